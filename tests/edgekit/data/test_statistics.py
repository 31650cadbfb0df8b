"""Mean and standard deviation, against NumPy's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data.statistics import measure_normalisation
from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import DatasetError


def test_equals_numpy_over_all_pixels() -> None:
    generator = np.random.default_rng(0)
    images = [generator.integers(low, 200, (16, 20 + low), np.uint8) for low in (0, 40, 90)]
    pixels = np.concatenate([image.reshape(-1) for image in images]) / 255.0
    found = measure_normalisation(images)
    # Rounded to six decimals on purpose.
    assert found.mean == pytest.approx((pixels.mean(),), abs=5e-7)
    assert found.std == pytest.approx((pixels.std(),), abs=5e-7)
    assert found.scale == 255.0


@pytest.mark.parametrize("bits", [12, 16])
def test_deep_images_are_measured_in_units_of_the_stated_scale(bits: int) -> None:
    images = [np.random.default_rng(0).integers(0, 2**bits, (16, 20)).astype(np.uint16)]
    found = measure_normalisation(images, PixelFormat(bits=bits, scale=1000.0))
    assert found.mean == pytest.approx((images[0].mean() / 1000,), abs=5e-7)
    assert found.std == pytest.approx((images[0].std() / 1000,), abs=5e-7)
    assert found.scale == 1000.0


def test_the_order_of_images_does_not_matter() -> None:
    images = [np.random.default_rng(n).integers(0, 256, (8, 8), np.uint8) for n in range(5)]
    assert measure_normalisation(images) == measure_normalisation(reversed(images))


def test_one_black_and_one_white_image() -> None:
    images = [np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8)]
    assert measure_normalisation(images).mean == (0.5,)
    assert measure_normalisation(images).std == (0.5,)


@pytest.mark.parametrize("value", [0, 128])
def test_images_of_one_value_are_refused(value: int) -> None:
    with pytest.raises(DatasetError, match="same value"):
        measure_normalisation([np.full((8, 8), value, np.uint8)])


def test_each_channel_of_colour_images_for_itself() -> None:
    generator = np.random.default_rng(0)
    images = [generator.integers(0, (50, 150, 256), (8, 9 + n, 3)).astype(np.uint8) for n in range(3)]
    pixels = np.concatenate([image.reshape(-1, 3) for image in images]) / 255.0
    found = measure_normalisation(images)
    assert found.mean == pytest.approx(tuple(pixels.mean(axis=0)), abs=5e-7)
    assert found.std == pytest.approx(tuple(pixels.std(axis=0)), abs=5e-7)


def test_a_channel_of_one_value_is_refused() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    image[:, :, 1] = 7
    with pytest.raises(DatasetError, match="the same green value"):
        measure_normalisation([image])


def test_no_images_are_refused() -> None:
    with pytest.raises(DatasetError, match="no training images"):
        measure_normalisation([])


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 9), st.integers(2, 9)), min_size=1, max_size=5),
    seed=st.integers(0, 999),
)
def test_equals_numpy_whatever_the_sizes(sizes: list[tuple[int, int]], seed: int) -> None:
    generator = np.random.default_rng(seed)
    images = [generator.integers(0, 256, size).astype(np.uint8) for size in sizes]
    images[0][0, :2] = (0, 255)
    pixels = np.concatenate([image.reshape(-1) for image in images]) / 255.0
    found = measure_normalisation(images)
    assert found.mean == pytest.approx((pixels.mean(),), abs=5.1e-7)
    assert found.std == pytest.approx((pixels.std(),), abs=5.1e-7)


def test_what_is_rounded_to_no_contrast_counts_as_none() -> None:
    # One pixel of 64 million that differs by one level: the deviation is 0.00000049 of full scale.
    image, other = np.full((1000, 1000), 100, np.uint8), np.full((1000, 1000), 100, np.uint8)
    other[0, 0] = 101
    with pytest.raises(DatasetError, match="same value"):
        measure_normalisation([other, *[image] * 63])
