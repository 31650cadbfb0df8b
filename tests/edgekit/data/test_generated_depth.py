"""Generated images at another depth."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.data import OpenOptions, open_dataset
from edgekit.data.generated_depth import find_generator, set_depth
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit_runtime.bundle import PixelFormat


@pytest.mark.parametrize("bits", [5, 8, 12, 16])
def test_black_and_white_stay_and_every_level_keeps_its_place(bits: int) -> None:
    pixels = PixelFormat(bits=bits, scale=float(2**bits - 1))
    drawn = open_dataset("synthetic:dagm/6").load(0)
    dataset = open_dataset("synthetic:dagm/6", OpenOptions(pixels=pixels))
    sample = dataset.load(0)
    assert dataset.pixels == pixels
    assert sample.image.dtype == pixels.frame_type
    assert np.array_equal(sample.image, np.rint(drawn.image * ((2**bits - 1) / 255)))
    assert np.array_equal(sample.mask, drawn.mask)
    assert dataset.fingerprint() == open_dataset("synthetic:dagm/6").fingerprint()


def test_the_generator_is_found_behind_the_view() -> None:
    generator = SyntheticDagm((6,))
    assert find_generator(set_depth(generator, PixelFormat(bits=12))) is generator
    assert set_depth(generator, PixelFormat(grey="bt709")) is generator
    assert generator.pixels.grey == "bt709"
