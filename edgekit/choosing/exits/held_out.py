"""What to expect on other images: thresholds chosen on most things, counted on the rest, until each was held out once.

Counts on the images that thresholds were chosen on are too good. These are not: no image is judged by thresholds that
it took part in choosing. They are those of the method, with thresholds a little different in every fold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgekit.choosing.exits.goal import ExitGoal
from edgekit.choosing.exits.search import MOST_WORK, search_exits
from edgekit.choosing.exits.table import ExitCount, ExitTable, count_answers, count_thresholds
from edgekit.data.splitting.dealing import deal_to_folds

FOLDS = 5
SEED = 0
"""Of the order in which things are dealt to folds."""


def count_held_out(table: ExitTable, groups: Sequence[str], goal: ExitGoal) -> ExitCount | None:
    """Return what thresholds make of images that had no part in choosing them.

    Args:
        table: What the exits make of the images.
        groups: The thing that each image shows; images of one thing are held out together.
        goal: What is asked for.

    Returns:
        Counts over all images; None where there are too few things, or one fold holds all images of a kind.
    """
    folds = _deal(groups, table.defective)
    answers = np.empty(len(folds), np.int64)
    for fold in range(FOLDS):
        held = folds == fold
        known = table.take(~held)
        if not held.any() or not known.defective_count or not known.normal_count:
            return None
        thresholds = search_exits(known, goal.apply(known), most_work=MOST_WORK // FOLDS).chosen.thresholds
        assert thresholds is not None  # a search gives thresholds
        answers[held] = count_thresholds(table.take(held), thresholds).answers
    return count_answers(table, answers)


def _deal(groups: Sequence[str], defective: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the fold of each image, things with and without a defect spread evenly."""
    sizes = Counter(groups)
    shown = {group for group, flag in zip(groups, defective, strict=True) if flag}
    names = sorted(sizes)
    order = [names[place] for place in np.random.default_rng(SEED).permutation(len(names))]
    strata = [{group: sizes[group] for group in order if (group in shown) == kind} for kind in (True, False)]
    fold_of = deal_to_folds([stratum for stratum in strata if stratum], FOLDS)
    return np.array([fold_of[group] for group in groups], np.int64)
