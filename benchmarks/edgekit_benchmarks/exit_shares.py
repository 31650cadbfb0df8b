"""Which exit answers how many rows: shares as published, exits drawn by them, and what they let be left out.

Random weights answer at random exits, and trained ones at those that their images ask for. Time depends on where rows
leave and on nothing else, so that exits are drawn and replayed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import UsageProblem

Exits = npt.NDArray[np.int64]
"""1-based numbers of the exits that answer."""

Shares = tuple[float, ...]

TABLE_3: Mapping[str, Shares] = {
    "normal": (0.207, 0.631, 0.154, 0.008),
    "hole": (0.004, 0.093, 0.521, 0.382),
    "stain": (0.009, 0.095, 0.492, 0.404),
    "broken yarn": (0.015, 0.132, 0.568, 0.285),
    "end out": (0.002, 0.076, 0.435, 0.487),
}
"""Class → share of its rows that exits 1 to 4 answer: Zhao et al., "Dynamic inference network for online fabric defect
detection", J. Intell. Manuf. 36(4), 2025, Table 3."""

TEST_ROWS: Mapping[str, int] = {"normal": 5000, "hole": 300, "stain": 300, "broken yarn": 300, "end out": 300}
"""Images of each class that the paper measures its speeds on."""


def mix_shares(rows: Mapping[str, int]) -> Shares:
    """Return the shares of so many rows of each class of Table 3."""
    counts = np.array([rows[name] for name in rows], float)
    table = np.array([TABLE_3[name] for name in rows])
    return tuple(float(share) for share in counts @ table / counts.sum())


SHARES: Mapping[str, Shares] = {"normal": TABLE_3["normal"], "mix": mix_shares(TEST_ROWS)}
"""What is measured: cloth without defects, and the paper's test images."""


def draw_exits(shares: Sequence[float], batches: int, rows: int, generator: np.random.Generator) -> Exits:
    """Return an exit for every row, int64 (batches, rows).

    Over all rows the shares are met to a row (the largest remainders are rounded up); which rows they are is drawn, so
    that batches differ as they do on a line.

    Raises:
        UsageProblem: If the shares are negative or do not sum to 1.
    """
    wanted = np.asarray(shares, float)
    if (wanted < 0).any() or not np.isclose(wanted.sum(), 1.0, atol=1e-3):
        raise UsageProblem(f"Shares of exits must be 0 or more and sum to 1, got {tuple(shares)}.")
    exact = wanted / wanted.sum() * batches * rows
    counts = np.floor(exact).astype(np.int64)
    missing = batches * rows - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    exits = np.repeat(np.arange(1, len(counts) + 1), counts)
    return generator.permutation(exits).reshape(batches, rows)


def count_reaching(exits: Exits, stages: int) -> npt.NDArray[np.int64]:
    """Return how many rows each stage has to run, int64 (stages,)."""
    return np.array([int((exits >= stage).sum()) for stage in range(1, stages + 1)])


def mean_macs(shares: Sequence[float], stage_macs: Sequence[int]) -> float:
    """Return the multiply-accumulates that a row costs on average when it leaves by these shares."""
    return float(np.dot(shares, np.cumsum(stage_macs)) / np.sum(shares))


class DrawnExits:
    """An exit policy for a line, whose batches do not end: every row leaves by the shares, whatever it shows.

    Args:
        shares: Of each exit; they sum to 1.
        generator: Draws for one row at a time.
    """

    def __init__(self, shares: Sequence[float], generator: np.random.Generator) -> None:
        self._leaving = [
            share / rest if (rest := sum(shares[index:])) > 0 else 1.0 for index, share in enumerate(shares)
        ]
        self._generator = generator

    def __call__(
        self, stage: int, _name: str, _probabilities: npt.NDArray[Any], rows: npt.NDArray[np.intp], /
    ) -> npt.NDArray[np.bool_]:
        """Return which rows are answered here, bool (n,)."""
        return np.asarray(self._generator.random(len(rows)) < self._leaving[stage])
