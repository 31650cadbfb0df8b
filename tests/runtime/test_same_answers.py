"""One frame has one answer: whatever the batch, the threads, the backend and the tiles around it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime import Bundle, Detector

CLOSE = 1e-3
"""Logits whose distance from the threshold is below may fall on either side: a hundred times what rounding was seen
to make of them."""

Masks = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def frames() -> npt.NDArray[np.uint8]:
    images = SyntheticDagm([6], include_normal=True)
    return np.stack([images.load(index).image for index in range(5)])


def answer(frames: npt.NDArray[np.uint8], *, batch: int, shift: float = 0.0, **how: object) -> Masks:
    """Return the masks of all frames, run so many at a time."""
    threshold = Bundle.open(DEMO_BUNDLE).manifest.thresholds[0]
    with Detector(DEMO_BUNDLE, thresholds={threshold.name: threshold.default + shift}, **how) as detector:  # type: ignore[arg-type]
        masks = [detector.find_masks(frames[start : start + batch]) for start in range(0, len(frames), batch)]
    return np.concatenate(masks)


@pytest.fixture(scope="module")
def expected(frames: npt.NDArray[np.uint8]) -> tuple[Masks, npt.NDArray[np.bool_]]:
    """The masks of one frame at a time, and which pixels are too close to the threshold to be told."""
    lower, middle, upper = (answer(frames, batch=1, shift=shift) for shift in (-CLOSE, 0.0, CLOSE))
    return middle, lower != upper


@pytest.mark.parametrize("backend", ["onnxruntime", "fused"])
@pytest.mark.parametrize(("batch", "threads"), [(1, 2), (2, 1), (5, 1), (5, 2), (3, 3)])
def test_batch_and_threads_change_nothing(
    frames: npt.NDArray[np.uint8],
    expected: tuple[Masks, npt.NDArray[np.bool_]],
    backend: str,
    batch: int,
    threads: int,
) -> None:
    masks, undecided = expected
    found = answer(frames, batch=batch, threads=threads, backend=backend)
    assert not ((found != masks) & ~undecided).any()
    assert undecided.mean() < 0.01  # else nothing was tested
    assert 0.001 < masks.mean() < 0.999


@pytest.mark.parametrize("backend", ["onnxruntime", "fused"])
def test_the_same_call_has_the_same_answer_to_the_bit(frames: npt.NDArray[np.uint8], backend: str) -> None:
    first, second = (answer(frames, batch=2, threads=2, backend=backend) for _ in range(2))
    np.testing.assert_array_equal(first, second)
