"""OpenCV's regions, in every configuration that is tried, are those of edgekit."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.benching.labelling import ALGORITHMS, TYPES, make_labelling, read_stats, tune_labelling
from edgekit_runtime import find_regions

CONFIGURATIONS = list(itertools.product([name for name in ALGORITHMS if hasattr(cv2, name)], TYPES, "12"))


@pytest.mark.parametrize(("algorithm", "labels", "threads"), CONFIGURATIONS)
@given(seed=st.integers(0, 2**32), share=st.floats(0, 1))
def test_regions_are_those_of_find_regions(
    algorithm: str, labels: str, threads: str, seed: int, share: float
) -> None:
    mask = (np.random.default_rng(seed).random((23, 31)) < share).astype(np.uint8)
    label = make_labelling({"algorithm": algorithm, "labels": labels, "threads": threads})
    np.testing.assert_array_equal(read_stats(label(mask)), find_regions(mask))


def test_tuning_leaves_opencv_with_the_threads_that_were_found() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[5:50, 5:50] = 1
    tuned = tune_labelling([mask], threads=2, limit_s=0.05)
    assert cv2.getNumThreads() == int(tuned.settings["threads"])
    np.testing.assert_array_equal(read_stats(tuned.made(mask)), find_regions(mask))
