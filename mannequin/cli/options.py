"""How options look in the manual."""

import types
from pathlib import Path
from typing import Union, get_args

from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    UnsupportedTypeAnnotationError,
)

from mannequin.generator.io.remote import Place, RemotePath, place

REGISTRY = ConstructorRegistry()
"""Rules for tyro: a value that may be absent is written as its type alone, and absence has a name."""


@REGISTRY.primitive_rule
def _optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | None:
    """``X | None`` takes an X; left out, the preset decides, or there is no such file."""
    members = get_args(info.type)
    if info.type_origin not in (Union, types.UnionType) or len(members) != 2 or type(None) not in members:
        return None
    member = members[0] if members[1] is type(None) else members[1]
    inner = _spec_of(member, info)
    return _named(inner, None, "none" if member is Path else "preset")


@REGISTRY.primitive_rule
def _place(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | None:
    """A path or a URL."""
    if info.type != Place:
        return None
    return PrimitiveConstructorSpec(
        1, "PATH", lambda args: place(args[0]), lambda v: isinstance(v, (Path, RemotePath)), lambda v: [str(v)]
    )


@REGISTRY.primitive_rule
def _text(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | None:
    """An empty text is shown as "none"."""
    if info.type is not str:
        return None
    return PrimitiveConstructorSpec(
        1, "NAME", lambda args: args[0], lambda v: isinstance(v, str), lambda v: [v or "none"]
    )


@REGISTRY.primitive_rule
def _names(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | None:
    """No names are shown as "all", which is what they stand for."""
    if info.type != tuple[str, ...]:
        return None
    return PrimitiveConstructorSpec(
        "*", "NAME ...", tuple, lambda v: isinstance(v, tuple), lambda v: list(v) or ["all"]
    )


@REGISTRY.primitive_rule
def _several(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | None:
    """Paths or numbers; that there are none is shown as "none"."""
    if info.type not in (tuple[Place, ...], tuple[float, ...]):
        return None
    inner = _spec_of(get_args(info.type)[0], info)
    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{inner.metavar} ...",
        instance_from_str=lambda args: tuple(inner.instance_from_str([arg]) for arg in args),
        is_instance=lambda value: isinstance(value, tuple) and all(map(inner.is_instance, value)),
        str_from_instance=lambda value: [text for one in value for text in inner.str_from_instance(one)] or ["none"],
    )


def _spec_of(member, info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec:
    """How tyro reads a ``member`` of the type of ``info``. Raises what tyro says of a type that it cannot read."""
    spec = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(member, info.markers))
    if isinstance(spec, UnsupportedTypeAnnotationError):
        raise spec
    return spec


def _named(inner: PrimitiveConstructorSpec, absent, name: str) -> PrimitiveConstructorSpec:
    """``inner``, whose default ``absent`` the manual calls ``name``."""
    return PrimitiveConstructorSpec(
        nargs=inner.nargs,
        metavar=inner.metavar,
        instance_from_str=inner.instance_from_str,
        is_instance=lambda value: value is absent or inner.is_instance(value),
        str_from_instance=lambda value: [name] if value is absent else inner.str_from_instance(value),
        choices=inner.choices,
    )
