"""What was probably meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the nearest known names, or with all of them where none is near."""
    import difflib

    names = list(known)
    near = difflib.get_close_matches(name, names, n=3)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"There are: {', '.join(names)}."
