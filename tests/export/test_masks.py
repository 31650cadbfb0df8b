from __future__ import annotations

import numpy as np

from edgekit_export.masks import margins_of, mask_of, undecided


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


def test_undecided_pixels_of_one_class():
    logits = pixels([0.49], [0.495], [0.5], [0.51], [0.52])
    assert undecided(logits, 0.5, 0.01)[0, 0].tolist() == [True, True, True, True, False]
    assert undecided(logits, 0.5, 0.001).sum() == 1


def test_undecided_pixels_of_several_classes():
    logits = pixels(
        [0, 0.5, 0],  # on the threshold
        [0, 3, 2.999],  # two defects alike
        [5, 3, 3],  # alike, and far behind the background
        [0, 3, 1],
    )
    assert undecided(logits, 0.5, 0.01)[0, 0].tolist() == [True, True, False, False]


def test_whatever_rounding_can_turn_is_undecided():
    rng = np.random.default_rng(0)
    for classes in (1, 2, 4):
        logits = rng.normal(size=(4, classes, 16, 16)).round(1).astype(np.float32)
        bound = 0.004
        moved = logits + rng.uniform(-bound, bound, logits.shape).astype(np.float32)
        turned = mask_of(moved, 0.1) != mask_of(logits, 0.1)
        assert turned.any()
        assert not (turned & ~undecided(logits, 0.1, bound * 1.001)).any()
