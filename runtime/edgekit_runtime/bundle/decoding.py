"""Frozen dataclasses from JSON data and back, by their type hints.

The dataclasses are the schema. Unknown keys are refused rather than ignored: a key that one reader obeys and
another overlooks would let one bundle mean two things. A key may be missing where its field has a default: a record of
training, or a bundle, reads on when a later release adds to it.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from typing import Any, Literal, TypeVar

T = TypeVar("T")


class DecodingError(ValueError):
    """The data do not fit the type; the message names the place."""


def decode(cls: type[T], data: Any, where: str) -> T:
    """Build `cls` from JSON data.

    Args:
        cls: A dataclass whose fields are str, int, float, bool, None, Any (JSON as it is), Literal, unions of
            those, tuple[T, ...], dict[str, T] or dataclasses of such fields.
        data: What a JSON parser returned.
        where: Name of the place, the start of the path in messages.

    Raises:
        DecodingError: If a key without a default is missing, a key is unknown, or a value has another type.
    """
    return typing.cast("T", _decode(cls, data, where))


def encode(value: Any) -> Any:
    """Return the JSON data that `decode` builds the value from."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


def _decode(hint: Any, data: Any, where: str) -> Any:
    if hint is Any:
        return data
    if hint is float:
        return _decode_float(data, where)
    if hint in (str, int, bool, types.NoneType):
        # bool is a subclass of int in Python and not in JSON, hence no isinstance.
        return data if type(data) is hint else _refuse(hint, data, where)
    if dataclasses.is_dataclass(hint):
        return _decode_dataclass(hint, data, where)
    return _decode_generic(hint, data, where)


def _decode_float(data: Any, where: str) -> float:
    if type(data) not in (int, float):
        _refuse(float, data, where)
    try:
        value = float(data)
    except OverflowError:  # an integer of hundreds of digits
        value = math.inf
    if not math.isfinite(value):
        raise DecodingError(f"{where} must be finite and below 2¹⁰²⁴")
    return value


def _decode_dataclass(hint: Any, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        _refuse(hint, data, where)
    hints = _field_hints(hint)
    for key in data:
        if key not in hints:
            raise DecodingError(f"{where} has the unknown key {_describe(key)}")
    given = {key: _decode(field, data[key], f"{where}.{key}") for key, field in hints.items() if key in data}
    for field in dataclasses.fields(hint):
        if field.name not in given and not _has_default(field):
            raise DecodingError(f"{where} lacks the key {field.name!r}")
    return hint(**given)


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _decode_generic(hint: Any, data: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        if not any(type(data) is type(choice) and data == choice for choice in arguments):
            raise DecodingError(
                f"{where} must be one of {', '.join(map(repr, arguments))}, got {_describe(data)}"
            )
        return data
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        if not isinstance(data, list):
            _refuse(hint, data, where)
        return tuple(_decode(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(data))
    if origin is dict and arguments[0] is str:
        if not isinstance(data, dict):
            _refuse(hint, data, where)
        return {key: _decode(arguments[1], item, f"{where}[{key!r}]") for key, item in data.items()}
    if origin in (typing.Union, types.UnionType):
        return _decode_union(hint, arguments, data, where)
    raise TypeError(f"{where}: {hint!r} has no JSON form here.")


def _decode_union(hint: Any, arguments: tuple[Any, ...], data: Any, where: str) -> Any:
    rest = [argument for argument in arguments if argument is not types.NoneType]
    if data is None and len(rest) < len(arguments):
        return None
    if len(rest) == 1:  # X | None: X's own message says more than the union's
        return _decode(rest[0], data, where)
    for argument in rest:
        try:
            return _decode(argument, data, where)
        except DecodingError:
            continue
    return _refuse(hint, data, where)


@functools.cache
def _field_hints(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _refuse(hint: Any, data: Any, where: str) -> typing.NoReturn:
    expected = hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)
    raise DecodingError(f"{where} must be {expected}, got {_describe(data)}")


def _describe(data: Any) -> str:
    if isinstance(data, dict):
        return "an object"
    if isinstance(data, list):
        return "a list"
    if isinstance(data, str):
        return repr(data if len(data) <= 60 else data[:60] + "…")
    return "null" if data is None else repr(data).lower()
