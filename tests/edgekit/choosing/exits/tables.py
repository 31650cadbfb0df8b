"""Small tables of exits, and the best thresholds of them by trying all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from hypothesis import strategies as st

from edgekit.choosing.exits.criterion import Criterion
from edgekit.choosing.exits.table import ExitCount, ExitTable, count_thresholds

CLASSES = 3

CONFIDENCES = (-np.inf, 1 / 3, 0.4, 0.5, np.nextafter(np.float32(0.5), np.float32(1)), 0.75, 1.0, 1.0005)
"""Ties, neighbours in float32, none that is finite, and a softmax in float16 that adds up to more than one."""


def make_table(
    confidences: object,
    wrong: object,
    defective: object,
    *,
    macs: tuple[int, ...] | None = None,
    thresholds: tuple[float, ...] | None = None,
) -> ExitTable:
    array = np.array(confidences, np.float32)
    exits = array.shape[1]
    return ExitTable(
        confidences=array,
        wrong=np.array(wrong, np.bool_),
        defective=np.array(defective, np.bool_),
        macs=np.array(macs or [10 * (level + 1) for level in range(exits)], np.int64),
        names=tuple(f"exit{level + 1}" for level in range(exits)),
        thresholds=thresholds or (0.6,) * exits,
        classes=CLASSES,
    )


@st.composite
def tables(draw: st.DrawFn, *, most_exits: int = 5) -> ExitTable:
    """Two exits to five and few images, of both kinds; the more exits, the fewer images, so that all can be tried."""
    exits = draw(st.integers(2, most_exits))
    count = draw(st.integers(2, {2: 14, 3: 12, 4: 9, 5: 7}[exits]))
    rows = st.lists(st.sampled_from(CONFIDENCES), min_size=exits, max_size=exits)
    flags = st.lists(st.booleans(), min_size=exits, max_size=exits)
    steps = draw(st.lists(st.integers(1, 40), min_size=exits, max_size=exits))
    defective = [True, False, *(draw(st.booleans()) for _ in range(count - 2))]
    return make_table(
        [draw(rows) for _ in range(count)],
        [draw(flags) for _ in range(count)],
        defective,
        macs=tuple(np.cumsum(steps).tolist()),
        thresholds=tuple(draw(st.sampled_from([0.0, 0.45, 0.5, 0.9, 1.0])) for _ in range(exits)),
    )


@st.composite
def criteria(draw: st.DrawFn, table: ExitTable) -> Criterion:
    """Any limits, and anything that is made small."""
    defective, normal = table.defective_count, table.normal_count
    limit = st.none() | st.integers(0, 3)
    return Criterion(
        most_escapes=draw(limit),
        most_overkills=draw(limit),
        most_macs=draw(st.none() | st.floats(float(table.macs[0]), float(table.macs[-1]))),
        small=draw(st.sampled_from(["macs", "escape", "overkill", "errors"])),
        cost_ratio=draw(st.none() | st.sampled_from([0.5, 5.0])),
        share=draw(st.sampled_from([0.0, 0.01, 0.5])),
        defective=defective,
        normal=normal,
    )


def try_all(table: ExitTable) -> Iterator[ExitCount]:
    """Yield what every choice of thresholds from 0 to 1 makes of the images."""
    choices = []
    for level in range(table.exits - 1):
        known = table.confidences[:, level]
        choices.append(sorted({*known[(known >= 0) & (known <= 1)].tolist(), 0.0, 1.0}))
    for thresholds in product(*choices):
        yield count_thresholds(table, (*thresholds, table.thresholds[-1]))
