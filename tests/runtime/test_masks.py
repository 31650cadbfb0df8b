from __future__ import annotations

import numpy as np
import pytest

from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.masks import margins_of, mask_of


def pixels(*logits: list[float]) -> np.ndarray:
    """Return logits (1, K, 1, pixels) from one list per pixel."""
    return np.array(logits, np.float32).T[None, :, None, :]


def test_one_class():
    logits = pixels([-0.1], [0.0], [0.1], [np.nan])
    assert mask_of(logits, 0.0)[0, 0].tolist() == [0, 1, 1, 1]


def test_several_classes():
    logits = pixels([1, 0, 0], [0, 1, 2], [0, 2, 1], [0, 0.4, 0])
    assert mask_of(logits, 0.5)[0, 0].tolist() == [0, 2, 1, 0]
    assert margins_of(logits)[0, 0].tolist() == [-1, 2, 2, np.float32(0.4)]


def test_the_threshold_is_compared_in_float32():
    # 0.1 in float64 lies below its float32 neighbour: a comparison in float64 would call this a defect.
    logits = pixels([np.nextafter(np.float32(0.1), np.float32(0))])
    assert mask_of(logits, 0.1).item() == 0


def test_the_class_is_the_largest_defect_and_nan_is_never_background():
    logits = pixels([0, 2, 2], [np.nan, 1, 2], [0, np.nan, 1], [np.inf, np.inf, 0])
    assert mask_of(logits, 0.0)[0, 0].tolist() == [1, 2, 1, 1]


def test_float16_is_compared_as_float16():
    logits = np.full((1, 1, 1, 1), np.float16(0.1))
    assert mask_of(logits, 0.1).item() == 1


@pytest.mark.parametrize(
    "logits",
    [
        np.zeros((2, 4, 6), np.float32),
        np.zeros((2, 0, 4, 6), np.float32),
        np.zeros((1, 257, 1, 1), np.float32),
        np.zeros((2, 1, 4, 6), np.int32),
    ],
)
def test_what_is_no_logits_is_refused(logits):
    for call in (lambda: mask_of(logits, 0.5), lambda: margins_of(logits)):
        with pytest.raises(UsageProblem, match=r"\(N, K, H, W\)"):
            call()
