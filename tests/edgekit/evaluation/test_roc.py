"""The area under the ROC against three other ways to compute it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from torchmetrics.functional.classification import binary_auroc

from edgekit.evaluation.roc import area_under_roc

CASES = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=40)


@settings(deadline=None)
@given(cases=CASES)
def test_equals_the_share_of_pairs_in_order(cases: list[tuple[int, bool]]) -> None:
    positive = [score for score, truth in cases if truth]
    negative = [score for score, truth in cases if not truth]
    area = area_under_roc([score for score, _ in cases], [truth for _, truth in cases])
    if not positive or not negative:
        assert area is None
        return
    pairs = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    assert area == pytest.approx(np.mean(pairs))
    statistic = mannwhitneyu(positive, negative).statistic
    assert area == pytest.approx(statistic / len(pairs))
    # Scores between 0 and 1: torchmetrics takes others for logits.
    scores = torch.tensor([(score + 4) / 8 for score, _ in cases])
    expected = binary_auroc(scores, torch.tensor([int(truth) for _, truth in cases]))
    assert area == pytest.approx(float(expected), abs=1e-6)


def test_infinite_scores_have_a_rank() -> None:
    assert area_under_roc([math.inf, 3.0, -math.inf], [True, False, False]) == 1.0
    assert area_under_roc([math.inf, math.inf], [True, False]) == 0.5


@pytest.mark.parametrize("scores", [[math.nan, 1.0], [1.0]])
def test_scores_that_have_no_order_are_refused(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="one per case"):
        area_under_roc(scores, [True, False])
