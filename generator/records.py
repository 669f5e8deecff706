"""Frozen dataclasses to plain JSON values and back, strictly.

A union of dataclasses is told apart by ``kind``, a class constant on each member. Unknown keys,
missing keys and values of the wrong type are refused with the path at which they stand.
"""

import sys
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from reprlib import Repr

from mannequin.generator.errors import ConfigError

_BRIEF = Repr()
_BRIEF.maxstring = _BRIEF.maxother = 80


def to_plain(value) -> typing.Any:
    """Dataclasses to dicts, tuples to lists; everything else must be a plain JSON value."""
    if is_dataclass(value):
        kind = getattr(type(value), "kind", None)
        plain = {} if kind is None else {"kind": kind}
        return plain | {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (tuple, list)):
        return [to_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: to_plain(v) for k, v in value.items()}
    return value


def from_plain(cls, plain, path: str = ""):
    """Inverse of :func:`to_plain`. Raises ConfigError naming the path of what does not fit."""
    here = path or cls.__name__
    if not isinstance(plain, dict):
        raise ConfigError(f"{here}: expected an object with the fields of {cls.__name__}, got {_shown(plain)}.")
    hints = _hints(cls)
    known = {f.name: f for f in fields(cls)}
    extra = sorted(set(plain) - set(known) - {"kind"})
    if extra:
        raise ConfigError(f"{here}: unknown field {_shown(extra[0])}; {cls.__name__} has {', '.join(known)}.")
    values = {}
    for name, field in known.items():
        if name in plain:
            values[name] = _value(hints[name], plain[name], f"{here}.{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{here}: field {name!r} is missing.")
    return cls(**values)


@cache
def _hints(cls):
    return typing.get_type_hints(cls)


def _value(hint, plain, path):
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union(args, plain, path)
    if origin is tuple:
        return _tuple(args, plain, path)
    if origin is dict:
        if not isinstance(plain, dict):
            raise ConfigError(f"{path}: expected an object, got {_shown(plain)}.")
        return {k: _value(args[1], v, f"{path}.{k}") for k, v in plain.items()}
    if is_dataclass(hint):
        return from_plain(hint, plain, path)
    if origin is typing.Literal:
        if plain not in args:
            raise ConfigError(f"{path}: expected one of {', '.join(map(repr, args))}, got {_shown(plain)}.")
        return plain
    if hint is float and type(plain) in (int, float):
        return _finite(plain, path)
    if type(plain) is not hint:
        raise ConfigError(f"{path}: expected {hint.__name__}, got {_shown(plain)}.")
    return plain


def _finite(plain, path) -> float:
    if abs(plain) <= sys.float_info.max:  # neither NaN nor an integer beyond any float
        return float(plain)
    raise ConfigError(f"{path}: expected a finite number, got {_shown(plain)}.")


def _shown(plain) -> str:
    """What was met, cut short: a stranger's value may be long, or nested deeper than repr goes."""
    return _BRIEF.repr(plain)


def _union(args, plain, path):
    if plain is None and type(None) in args:
        return None
    members = [a for a in args if a is not type(None)]
    tagged = {a.kind: a for a in members if hasattr(a, "kind")}
    if tagged and isinstance(plain, dict):
        kind = plain.get("kind")
        if not (isinstance(kind, str) and kind in tagged) and len(tagged) > 1:
            raise ConfigError(f"{path}: unknown kind {_shown(kind)}; expected one of {', '.join(tagged)}.")
        return from_plain(tagged[kind] if len(tagged) > 1 else members[0], plain, path)
    for member in members:
        try:
            return _value(member, plain, path)
        except ConfigError:
            continue
    raise ConfigError(f"{path}: {_shown(plain)} fits none of {', '.join(str(m) for m in members)}.")


def _tuple(args, plain, path):
    if not isinstance(plain, (list, tuple)):
        raise ConfigError(f"{path}: expected a list, got {_shown(plain)}.")
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_value(args[0], v, f"{path}[{i}]") for i, v in enumerate(plain))
    if len(plain) != len(args):
        raise ConfigError(f"{path}: expected {len(args)} values, got {len(plain)}.")
    return tuple(_value(a, v, f"{path}[{i}]") for i, (a, v) in enumerate(zip(args, plain)))
