"""Calibration against a plain formula and torchmetrics."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_calibration_error

from edgekit.evaluation.calibration_error import measure_calibration

pairs = st.lists(st.tuples(st.floats(0.01, 1.0), st.booleans()), min_size=1, max_size=60)


@settings(deadline=None)
@given(pairs=pairs, bins=st.integers(1, 20))
def test_equals_the_formula(pairs: list[tuple[float, bool]], bins: int) -> None:
    found = measure_calibration([one for one, _ in pairs], [right for _, right in pairs], bins=bins)
    edges = np.linspace(0, 1, bins + 1)
    gaps = []
    for low, high in pairwise(edges):
        inside = [(value, right) for value, right in pairs if low < value <= high]
        if inside:
            mean, accuracy = (sum(column) / len(inside) for column in zip(*inside, strict=True))
            gaps.append((len(inside), abs(accuracy - mean)))
    assert found.expected == pytest.approx(sum(n * gap for n, gap in gaps) / len(pairs))
    assert found.largest == pytest.approx(max(gap for _, gap in gaps))
    assert found.confidence == pytest.approx(np.mean([value for value, _ in pairs]))
    assert found.accuracy == pytest.approx(np.mean([right for _, right in pairs]))
    assert found.answers == sum(one.count for one in found.bins) == len(pairs)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 80), sharpness=st.floats(0.1, 6.0))
def test_equals_torchmetrics(seed: int, count: int, sharpness: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.softmax(torch.randn(count, 4, generator=generator) * sharpness, dim=1)
    truth = torch.randint(4, (count,), generator=generator)
    confidence, answer = rows.max(dim=1)
    # On an edge it takes the bin above, for 1 one more bin, and Guo et al. the bin below.
    assume(not bool(torch.isin(confidence, torch.linspace(0, 1, 16)).any()))
    found = measure_calibration(confidence.tolist(), (answer == truth).tolist())
    for norm, figure in (("l1", found.expected), ("max", found.largest)):
        wanted = multiclass_calibration_error(rows, truth, num_classes=4, n_bins=15, norm=norm)
        assert figure == pytest.approx(float(wanted), abs=1e-6)


def test_a_bin_holds_its_upper_end_and_not_its_lower_one() -> None:
    found = measure_calibration([0.5, 1.0, 1.0000001], [True, True, False], bins=2)
    assert [one.count for one in found.bins] == [1, 2]


def test_answers_that_are_no_numbers_are_counted_apart() -> None:
    found = measure_calibration([0.75, None, 0.75], [True, False, False])
    assert (found.answers, found.unusable) == (2, 1)
    assert found.accuracy == 0.5
    assert found.expected == found.largest == 0.25


def test_without_an_answer_there_is_no_figure() -> None:
    for found in (measure_calibration([], []), measure_calibration([None], [False])):
        assert found.expected is found.largest is found.confidence is found.accuracy is None
        assert math.isclose(found.bins[-1].high, 1.0)
        json.dumps(found.to_dict(), allow_nan=False)


def test_the_document_holds_the_bins() -> None:
    document = measure_calibration([0.9, 0.95], [True, False]).to_dict()
    assert document["answers"] == 2
    assert len(document["bins"]) == 15
    assert document["bins"][13] == {
        "low": pytest.approx(13 / 15),
        "high": pytest.approx(14 / 15),
        "count": 1,
        "confidence": 0.9,
        "accuracy": 1.0,
    }
    assert document["bins"][0]["accuracy"] is None
