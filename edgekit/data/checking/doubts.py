"""What a rule says when something is doubtful, and the words that all rules share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""What cannot be used, what spoils results, what is good to know."""


@dataclass(frozen=True)
class Doubt:
    """Something doubtful.

    Attributes:
        severity: See `SEVERITIES`.
        what: What was found: full sentences with their numbers.
        advice: What it means and what to do.
        names: The images concerned, the most telling first; () where no image is to blame.
        count: How many images, pairs or regions are concerned; the number of `names` where it is None.
    """

    severity: Severity
    what: str
    advice: str
    names: Sequence[str] = ()
    count: int | None = None


Doubts = Iterable[Doubt]


def count_images(count: int, whole: int | None = None) -> str:
    """Return "1 image", "4 images", "4 of 79 images" or "All 79 images"."""
    if count == whole and count > 1:
        return f"All {count:,} images"
    of = "" if whole is None else f" of {whole:,}"
    return f"{count:,}{of} image{'s' * ((whole or count) != 1)}"


def format_share(share: float) -> str:
    """Return a share in 0…1 as a percentage with two decimals."""
    return f"{share:.2%}" if share >= 0.0001 or share == 0 else "less than 0.01%"
