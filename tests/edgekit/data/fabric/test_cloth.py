"""Defect-free cloth: yarns in order, the weave that was asked for, levels that the camera's 16 bits hold."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data.fabric.camera import BAND, MARGIN, Camera
from edgekit.data.fabric.cloth import Cloth
from edgekit.data.fabric.weaves import WEAVES


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), y1=st.integers(0, 10**9), x1=st.integers(0, 80))
def test_yarns_are_in_order_and_none_is_missing(seed: int, y1: int, x1: int) -> None:
    threads = Cloth(200, seed=seed).threads(y1, y1 + 90, x1, x1 + 100)
    for yarns, across, axis in ((threads.pick, threads.v, 0), (threads.end, threads.u, 1)):
        steps = np.diff(yarns, axis=axis)
        assert set(np.unique(steps)) == {0, 1}
        assert 0.0 <= across.min() <= across.max() < 1.0
        # Within a yarn one moves across it, and only forwards.
        assert (np.diff(across, axis=axis)[steps == 0] > 0.0).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), y1=st.integers(0, 10**6))
def test_levels_fit_the_blur_of_16_bits(seed: int, y1: int) -> None:
    levels = Cloth(97, seed=seed).reflect(y1, y1 + 200)
    assert levels.shape == (200, 97)
    assert levels.dtype == np.uint16
    assert levels.max() <= 255
    assert levels.std() > 10.0


@pytest.mark.parametrize("weave", WEAVES)
def test_the_yarn_on_top_is_the_weaves(weave: str) -> None:
    cloth = Cloth(160, seed=4, weave=weave)
    # A white warp and a black weft show which one lies on top.
    cloth._weft_lines[...] = 0
    threads = cloth.threads(0, 200, 0, 160)
    seen = cloth.reflect(0, 200) > 0
    repeat = WEAVES[weave]
    over = repeat[threads.pick % repeat.shape[0], threads.end % repeat.shape[1]]
    assert np.array_equal(seen, over)


def test_weaves_bind_every_yarn() -> None:
    for repeat in WEAVES.values():
        for yarns in (repeat, repeat.T):
            assert all(0 < yarn.sum() < yarn.size for yarn in yarns)


def test_a_camera_blurs_as_a_binomial_does() -> None:
    camera = Camera(64, seed=0)
    camera._softness, camera._tilt = 9.0, 0.0  # all of the blur, whatever the drift
    camera._lamp = np.ones(64)
    camera._noise[...] = 0.5
    point = np.zeros((BAND + 2 * MARGIN, 64), np.uint16)
    point[MARGIN + 60, 30] = 255
    image = camera.expose(point, 0)
    binomial = np.array([1, 4, 6, 4, 1]) / 16.0
    expected = 255.0 * np.outer(binomial, binomial)
    # The light differs from 1 by drift and clouds: 0.27 and 0.11 at most.
    assert np.abs(image[58:63, 28:33] - expected).max() <= 0.4 * expected.max() + 1.0
    assert image.sum() == image[58:63, 28:33].sum() > 0


def test_light_and_focus_go_on_from_band_to_band() -> None:
    camera = Camera(256, seed=1)
    camera._noise[...] = 0.5
    even = np.full((BAND + 2 * MARGIN, 256), 150, np.uint16)
    bands = [camera.expose(even, number).astype(int) for number in range(20)]
    seams = [np.abs(below[0] - above[-1]).max() for above, below in itertools.pairwise(bands)]
    assert max(seams) <= 1
    assert np.ptp(np.concatenate(bands)) > 15  # across the width and along the web
    assert np.ptp([band.mean() for band in bands]) > 2
