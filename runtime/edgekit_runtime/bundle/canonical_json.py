"""JSON with exactly one byte form, and a reader that accepts no other.

Two readers that disagree about a document (which of two equal keys counts, whether NaN is a number) can be
played against each other, and a signature is only worth something when bytes and meaning are one to one.
"""

from __future__ import annotations

import json
import math
from typing import Any

MAX_BYTES = 1 << 20
"""A manifest of 256 files and ten stages has about 60 kB; reading more would only serve an attacker."""

MAX_DEPTH = 24
"""Deeper nesting exhausts the stack of a recursive reader."""

MAX_INTEGER = (1 << 63) - 1
"""Readers in other languages hold integers in 64 bits."""


class JsonError(ValueError):
    """The bytes are not the canonical form of a JSON document."""


def to_canonical_bytes(data: Any) -> bytes:
    """Return the canonical bytes: UTF-8, keys sorted, two spaces of indent, a newline at the end.

    Raises:
        JsonError: If the data hold what `parse_json` would refuse.
    """
    _check_tree(data)
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=2)
        encoded = (text + "\n").encode()
    except (TypeError, ValueError) as error:  # a set, a NumPy scalar; half of a surrogate pair
        raise JsonError(f"cannot be written as JSON: {error}") from error
    if len(encoded) > MAX_BYTES:
        raise JsonError(f"has {len(encoded)} bytes, at most {MAX_BYTES} are allowed")
    return encoded


def parse_json(raw: bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """Parse strictly; the byte form is not compared (see `require_canonical`).

    Args:
        raw: The document.
        max_bytes: Refuse longer ones.

    Raises:
        JsonError: If the bytes are too many, no UTF-8 or no JSON, or hold duplicate keys, NaN or infinite
            numbers, integers beyond 64 bits, or deep nesting.
    """
    if len(raw) > max_bytes:
        raise JsonError(f"has {len(raw)} bytes, at most {max_bytes} are allowed")
    try:
        data = json.loads(
            raw.decode(),
            object_pairs_hook=_object_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_parse_finite,
            parse_int=_parse_short,
        )
    except UnicodeDecodeError as error:
        raise JsonError(f"is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise JsonError(f"is nested deeper than {MAX_DEPTH} levels") from error
    except json.JSONDecodeError as error:
        raise JsonError(f"is not JSON: {error}") from error
    _check_tree(data)
    return data


def require_canonical(raw: bytes, data: Any) -> None:
    """Refuse bytes that are not the canonical form of what they parse to."""
    if to_canonical_bytes(data) != raw:
        raise JsonError(
            "is damaged: it is not in canonical form (sorted keys, two spaces of indent, one newline at the end)"
        )


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise JsonError(f"holds the key {key[:60]!r} twice in one object")
        found[key] = value
    return found


def _refuse_constant(text: str) -> float:
    raise JsonError(f"holds {text}, which is no JSON number")


def _parse_finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise JsonError(f"holds a number beyond 64-bit floats: {text[:40]}")
    return value


def _parse_short(text: str) -> int:
    if len(text) > 20:  # before int(), whose time grows with the square of the digits
        raise JsonError(f"holds an integer of {len(text)} characters, more than 64 bits")
    return int(text)


def _check_tree(data: Any) -> None:
    """Refuse deep nesting, keys that are no strings and integers beyond 64 bits; without recursion."""
    level, depth = [data], 0
    while level:
        if depth > MAX_DEPTH:
            raise JsonError(f"is nested deeper than {MAX_DEPTH} levels")
        children: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                for key in item:
                    if not isinstance(key, str):
                        raise JsonError(f"has the key {key!r}, which is no string")
                children.extend(item.values())
            elif isinstance(item, list | tuple):
                children.extend(item)
            elif isinstance(item, int) and abs(item) > MAX_INTEGER:
                raise JsonError("holds an integer of more than 64 bits")
        level, depth = children, depth + 1
