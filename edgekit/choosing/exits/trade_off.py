"""The trade-off between escapes and cost, and a series of thresholds that people know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.choosing.exits.criterion import Criterion
from edgekit.choosing.exits.search import search_exits
from edgekit.choosing.exits.table import ExitCount, ExitTable, count_last_exit

LEVELS = 16
"""Numbers of escapes that the trade-off is looked for at, closer to each other where they are few."""

LEVEL_WORK, LEVEL_CELLS = 1 << 19, 1 << 14
"""Of the search for one of them: a picture of the trade-off needs no proof."""

SERIES = 8


def trace_trade_off(table: ExitTable, criterion: Criterion, chosen: ExitCount) -> list[ExitCount]:
    """Return choices that no other of them beats in escapes and in cost, by rising cost.

    None makes more overkill than the criterion allows (where it allows any: than the last exit makes), or than what
    was chosen, if that is more.
    """
    allowed = criterion.most_overkills
    most = count_last_exit(table).overkills if allowed is None else allowed
    free = replace(
        criterion, most_escapes=None, most_overkills=max(most, chosen.overkills), most_macs=None, small="macs"
    )
    found, thresholds = [chosen], chosen.thresholds or table.thresholds
    cheapest = search_exits(table, free, most_work=LEVEL_WORK, most_cells=LEVEL_CELLS).chosen
    steps = np.linspace(1, 0, LEVELS) ** 2
    for escapes in sorted(
        {round(cheapest.escapes * step) for step in steps} | {chosen.escapes}, reverse=True
    ):
        level = replace(free, most_escapes=escapes)
        outcome = search_exits(
            table, level, starts=[thresholds], most_work=LEVEL_WORK, most_cells=LEVEL_CELLS
        )
        if level.holds(outcome.chosen):
            found.append(outcome.chosen)
            thresholds = outcome.chosen.thresholds or thresholds
    return _keep_unbeaten(found, free)


def list_series(exits: int) -> list[tuple[float, ...]]:
    """Return eight decreasing combinations: 0.9, 0.8 … 0.2 at the first exit, 0.1 less at every further one.

    The appendix of DI-Net's paper (J. Intell. Manuf. 36(4), 2025) shows eight such combinations, of which only the
    beginning is known; its own thresholds are the second of these where there are four exits. None is below 0.
    """
    return [
        tuple(max(round(0.9 - 0.1 * (step + level), 1), 0.0) for level in range(exits))
        for step in range(SERIES)
    ]


def _keep_unbeaten(found: list[ExitCount], criterion: Criterion) -> list[ExitCount]:
    """Return the choices that none beats, by rising cost."""

    def cost_of(count: ExitCount) -> tuple[float, int, int]:
        return criterion.expect_count(count), count.escapes, count.overkills

    kept: list[ExitCount] = []
    for count in sorted(found, key=cost_of):
        if not kept or count.escapes < kept[-1].escapes:
            kept.append(count)
    return kept
