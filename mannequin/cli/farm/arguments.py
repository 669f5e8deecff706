"""The arguments of a command, made independent of the folder it was written in."""

from collections.abc import Callable
from dataclasses import replace

from mannequin.generator.errors import ConfigError
from mannequin.generator.io.remote import place


def located(arguments: list[str], command, parse: Callable[[list[str]], object]) -> tuple[str, ...]:
    """``arguments`` with absolute paths, the dataset's folder first.

    command: the Generate that ``arguments`` parse to. Raises ConfigError if the folder is not the first
    argument, or if a path is written so that it cannot be replaced safely.
    """
    if place(arguments[0]) != place(command.out):
        raise ConfigError(
            f"{arguments[0]!r} stands first behind --; expected the dataset's folder there, {str(command.out)!r}, "
            "and options after it."
        )
    out = str(place(arguments[0]).absolute())
    absolute = _absolute_names(command.assets)
    found = (out, *(absolute.get(argument, argument) for argument in arguments[1:]))
    if parse(list(found)) != replace(command, out=place(out), assets=command.assets.located()):
        relative = ", ".join(repr(name) for name in absolute)
        raise ConfigError(
            f"Cannot make these paths absolute: {relative}. Write them so, after a space and not after =."
        )
    return found


def _absolute_names(assets) -> dict[str, str]:
    """Relative path as written → absolute path."""
    pairs = zip(_flat(assets), _flat(assets.located()), strict=True)
    return {here: there for here, there in pairs if here != there}


def _flat(assets) -> list[str]:
    single = (assets.joint_map, assets.motion_groups, assets.textures, assets.backgrounds, assets.environments)
    return [assets.body, *assets.motion, *single]
