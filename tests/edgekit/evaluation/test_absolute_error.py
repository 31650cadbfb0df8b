"""Mean absolute error of probabilities and of masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torchmetrics.functional.regression import mean_absolute_error

from edgekit.evaluation.absolute_error import measure_error, pool_errors, sigmoid
from edgekit.evaluation.prediction import Prediction


@settings(deadline=None)
@given(
    logits=arrays.arrays(np.float32, (3, 5), elements=st.floats(-200, 200, width=32)),
    truth=arrays.arrays(np.uint8, (3, 5), elements=st.integers(0, 2)),
)
def test_equals_torchmetrics(logits: np.ndarray, truth: np.ndarray) -> None:
    defect = torch.from_numpy(truth > 0).double()
    error = measure_error(truth, Prediction((logits >= 0).astype(np.uint8), logits))
    expected = mean_absolute_error(torch.sigmoid(torch.from_numpy(logits).double()), defect)
    assert error.mean == pytest.approx(float(expected), abs=1e-12)
    of_masks = measure_error(truth, Prediction((logits >= 0).astype(np.uint8)))
    expected = mean_absolute_error(torch.from_numpy(logits >= 0).double(), defect)
    assert of_masks.mean == pytest.approx(float(expected))
    assert (error.basis, of_masks.basis) == ("probabilities", "masks")


def test_infinite_logits_are_sure_and_nan_is_a_defect() -> None:
    values = np.array([[-np.inf, np.inf, np.nan, 0]], np.float32)
    assert sigmoid(values).tolist() == [[0, 1, 1, 0.5]]


def test_is_pooled_over_pixels() -> None:
    large = measure_error(np.zeros((9, 1), np.uint8), Prediction(np.zeros((9, 1), np.uint8)))
    small = measure_error(np.zeros((1, 1), np.uint8), Prediction(np.ones((1, 1), np.uint8)))
    assert pool_errors([large, small]).mean == 0.1
    assert pool_errors([]).mean is None
