"""Every way of preparing frames gives what the network was trained with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgekit.benching.preparing import PREPARATIONS
from edgekit.models.normalising import normalise
from edgekit_export.exportable import Normalisation

numbers = st.tuples(*[st.floats(0.05, 0.95)] * 3)


@pytest.mark.parametrize("way", list(PREPARATIONS))
@given(mean=numbers, std=numbers, grey=st.booleans(), seed=st.integers(0, 2**32))
def test_images_are_those_of_training(
    way: str, mean: tuple[float, ...], std: tuple[float, ...], grey: bool, seed: int
) -> None:
    shape = (2, 5, 7) if grey else (2, 5, 7, 3)
    frames = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    normalisation = Normalisation(mean=mean[:1] if grey else mean, std=std[:1] if grey else std)
    images = PREPARATIONS[way](normalisation)(frames)
    expected = normalise(torch.from_numpy(frames), normalisation).numpy()
    assert (images.dtype, images.shape) == (np.float32, expected.shape)
    assert images.flags.c_contiguous
    # "in place" multiplies by a rounded factor and subtracts a rounded shift: three roundings of values up to
    # 0.95 / 0.05 + 1 / 0.05 ≈ 39.
    np.testing.assert_allclose(images, expected, rtol=0, atol=39 * 4 * np.finfo(np.float32).eps)
