"""PNG files that Pillow reads back to the same pixels."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from edgekit_runtime.errors import FrameError
from edgekit_runtime.line.png import encode_png

shapes = st.tuples(st.integers(1, 20), st.integers(1, 20))


@given(
    arrays.arrays(np.uint8, shapes)
    | arrays.arrays(np.uint16, shapes)
    | arrays.arrays(np.uint8, shapes.map(lambda shape: (*shape, 3)))
)
def test_pixels_come_back(pixels):
    read = np.asarray(Image.open(io.BytesIO(encode_png(pixels))))
    assert read.shape == pixels.shape
    assert (read == pixels).all()


def test_any_memory_layout_will_do():
    pixels = np.arange(60, dtype=np.uint8).reshape(5, 12)[::-1, ::2]
    assert (np.asarray(Image.open(io.BytesIO(encode_png(pixels)))) == pixels).all()


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2)), np.zeros((0, 2), np.uint8), np.zeros((2, 2, 4), np.uint8)]
)
def test_what_is_no_image_is_refused(array):
    with pytest.raises(FrameError, match="A PNG holds"):
        encode_png(array)
