"""What a person asks of a model, such as recall=0.95,ms=2, and which measured ones reach it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgekit.choosing.measurements import Measurement
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.near_names import suggest


@dataclass(frozen=True)
class _Figure:
    """A figure that can be asked for: how it is read, and whether more of it is better."""

    read: Callable[[Measurement], float | None]
    at_least: bool
    share: bool


FIGURES: Mapping[str, _Figure] = {
    "recall": _Figure(lambda row: row.quality.recall, at_least=True, share=True),
    "miou": _Figure(lambda row: row.quality.miou, at_least=True, share=True),
    "escape": _Figure(lambda row: row.quality.escape, at_least=False, share=True),
    "overkill": _Figure(lambda row: row.quality.overkill, at_least=False, share=True),
    "ms": _Figure(lambda row: row.speed.ms, at_least=False, share=False),
}

NAMES: Mapping[str, Callable[[Measurement], str]] = {
    "backend": lambda row: row.speed.backend,
    "precision": lambda row: row.precision,
    "data": lambda row: row.quality.data,
    "model": lambda row: row.model,
}
"""What must be equal; "data" may be the beginning, such as neu-seg."""


@dataclass(frozen=True)
class Requirements:
    """Bounds of figures, and names that must be equal."""

    bounds: Mapping[str, float]
    names: Mapping[str, str]

    def find_gaps(self, row: Measurement) -> list[str]:
        """Return in words what keeps a model from reaching them; nothing where it does."""
        gaps = [
            f"{name} {NAMES[name](row)}"
            for name, wanted in self.names.items()
            if not (NAMES[name](row).startswith(wanted) if name == "data" else NAMES[name](row) == wanted)
        ]
        for name, bound in self.bounds.items():
            figure = FIGURES[name]
            value = figure.read(row)
            if value is None:
                gaps.append(f"{name} not measured")
            elif value < bound if figure.at_least else value > bound:
                gaps.append(f"{name} {value:.3g}")
        return gaps


def parse_requirements(text: str) -> Requirements:
    """Return what a person wrote, such as "recall=0.95,ms=2,backend=fused".

    Raises:
        UsageProblem: If a name is unknown or twice there, or a value means nothing.
    """
    bounds: dict[str, float] = {}
    names: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        known = [*FIGURES, *NAMES]
        if name not in known:
            raise UsageProblem(f"{name!r} is no figure of a model. {suggest(name, known)}")
        if not equals or not value or name in bounds or name in names:
            raise UsageProblem(
                f"{part.strip()!r} asks for nothing, or asks twice.", remedy="Write it as recall=0.95,ms=2."
            )
        if name in NAMES:
            names[name] = value
        else:
            bounds[name] = _read_bound(name, value)
    return Requirements(bounds, names)


def _read_bound(name: str, value: str) -> float:
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})\s*(%?)", value)
    share = FIGURES[name].share
    bound = None if found is None else float(found[1]) / (100 if found[2] else 1)
    if found is None or bound is None or (share and bound > 1) or (not share and found[2]):
        raise UsageProblem(
            f"{name}={value} is no bound.",
            remedy="Shares are 0 to 1 or a percentage, such as recall=95%; times are ms, such as ms=2.",
        )
    return bound
