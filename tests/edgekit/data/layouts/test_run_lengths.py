"""COCO's run lengths both ways, by themselves and against the COCO API's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgekit.data.layouts.run_lengths import (
    compress_counts,
    decode_counts,
    decompress_counts,
    encode_mask,
)
from edgekit_runtime.errors import DatasetError

masks = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))
blobs = st.builds(
    lambda height, width, start, length: (np.arange(height * width) // length % 2 == start).reshape(
        height, width
    ),
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(0, 1),
    st.integers(1, 5000),
)
"""Masks with long runs, whose string form needs several characters per number."""


@settings(deadline=None)
@given(masks | blobs)
def test_decoding_undoes_encoding(mask: np.ndarray) -> None:
    counts = encode_mask(mask)
    assert all(count > 0 for count in counts[1:])
    assert np.array_equal(decode_counts(counts, *mask.shape), mask)


@settings(deadline=None)
@given(st.lists(st.integers(0, 1 << 40)))
def test_decompressing_undoes_compressing(counts: list[int]) -> None:
    assert decompress_counts(compress_counts(counts)) == counts


def test_pixels_run_down_the_columns_and_zeros_come_first() -> None:
    mask = np.array([[1, 0, 0], [1, 1, 0]], np.bool_)
    assert encode_mask(mask) == [0, 2, 1, 1, 2]
    assert compress_counts([0, 2, 1, 1, 2]) == "021O1"  # 1 - 2 is -1 in five bits, 31, and 31 + 48 is "O"


@settings(deadline=None)
@given(masks | blobs)
def test_strings_are_those_of_the_coco_api(mask: np.ndarray) -> None:
    api = pytest.importorskip("faster_coco_eval.core.mask")
    theirs = api.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
    theirs = theirs.decode() if isinstance(theirs, bytes) else theirs
    assert compress_counts(encode_mask(mask)) == theirs
    assert np.array_equal(decode_counts(decompress_counts(theirs), *mask.shape), mask)


@pytest.mark.parametrize("counts", [[3], [3, 2], [], [4, -1, 1]])
def test_counts_that_do_not_fit_are_refused(counts: list[int]) -> None:
    with pytest.raises(DatasetError, match=r"add up to|negative"):
        decode_counts(counts, 2, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 1", "character ' '"),
        ("0p", "character 'p'"),
        ("0é", "character 'é'"),
        ("0a", "in the middle"),
        ("a" * 5000, "more than 60 bits"),
    ],
)
def test_damaged_strings_are_refused(text: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        decompress_counts(text)


@settings(deadline=None)
@given(st.text(alphabet=[chr(code) for code in range(48, 112)], max_size=40))
def test_any_text_gives_numbers_or_an_error(text: str) -> None:
    try:
        counts = decompress_counts(text)
    except DatasetError:
        return
    assert decompress_counts(compress_counts(counts)) == counts
