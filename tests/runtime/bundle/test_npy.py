import io
import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgekit_runtime.bundle.npy import ARRAY_DTYPES, NpyError, array_bytes, parse_array

arrays = st.sampled_from(ARRAY_DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
)


@settings(deadline=None)
@given(arrays)
def test_arrays_survive_and_numpy_reads_the_same(array: Any) -> None:
    raw = array_bytes(array)
    mine, numpys = parse_array(raw), np.load(io.BytesIO(raw), allow_pickle=False)
    for read in (mine, numpys):
        assert read.dtype == array.dtype
        assert read.shape == array.shape
        assert read.tobytes() == array.tobytes()
    assert not mine.flags.writeable


@settings(deadline=None)
@given(arrays)
def test_what_numpy_writes_is_read(array: Any) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array)
    assert parse_array(buffer.getvalue()).tobytes() == array.tobytes()


def test_equal_arrays_give_equal_bytes() -> None:
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    expected = array_bytes(array)
    assert array_bytes(np.asfortranarray(array)) == expected
    assert array_bytes(array.astype(">f4")) == expected
    assert array_bytes(np.repeat(array, 2, axis=1)[:, ::2]) == expected


@pytest.mark.parametrize(
    "array",
    [
        np.array([None]),
        np.array(["text"]),
        np.zeros(1, "c8"),
        np.zeros(1, "f8,i4"),
        np.zeros((1,) * 9, np.uint8),
    ],
)
def test_arrays_outside_the_form_are_not_written(array: Any) -> None:
    with pytest.raises(NpyError):
        array_bytes(array)


def header(text: str) -> bytes:
    encoded = text.encode("latin-1") + b"\n"
    return b"\x93NUMPY\x01\x00" + len(encoded).to_bytes(2, "little") + encoded


def plain(descr: str = "|u1", shape: str = "(4,)") -> bytes:
    return header(f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}")


def test_the_hostile_headers_below_start_from_a_good_one() -> None:
    assert parse_array(plain() + b"abcd").tolist() == [97, 98, 99, 100]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no .npy"),
        (b"\x93NUMPY\x01\x00", "no .npy"),
        (b"\x93NUMPY\x03\x00" + plain()[8:] + b"abcd", "no .npy"),
        (pickle.dumps([1]), "no .npy"),
        (plain()[:-4], "header"),
        (plain("|O") + pickle.dumps([1]), "header"),
        (plain("|V4") + b"abcd", "header"),
        (plain(">f4", "(1,)") + b"abcd", "header"),
        (plain("<f8", "(1,)") + b"abcdefgh", "dtype '<f8'"),
        (header("{'descr': '|u1', 'fortran_order': True, 'shape': (4,), }") + b"abcd", "header"),
        (header("{'descr': '|u1', 'fortran_order': False, 'shape': (2+2,), }") + b"abcd", "header"),
        (header("{'descr': '|u1', 'fortran_order': False, 'shape': (4,), 'x': 1}") + b"abcd", "header"),
        (header("(" * 5000), "header"),
        (plain(shape="(-4,)") + b"abcd", "header"),
        (plain(shape="(-2, -2)") + b"abcd", "header"),
        (plain(shape="(1, 1, 1, 1, 1, 1, 1, 1, 4)") + b"abcd", "header"),
        (plain(shape="(5,)") + b"abcd", "5 bytes, and holds 4"),
        (plain(shape="(3,)") + b"abcd", "3 bytes, and holds 4"),
        (plain(shape="(4294967296, 4294967296)") + b"abcd", "and holds 4"),
        (plain(shape="(0, 9999999999, 9999999999)"), "too large"),
    ],
)
def test_lying_headers_are_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(NpyError, match=reason):
        parse_array(raw)


def test_a_lying_header_costs_no_memory() -> None:
    raw = plain("<f4", "(1000000000, 1000000000)") + b"abcd"
    tracemalloc.start()
    try:
        with pytest.raises(NpyError):
            parse_array(raw)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
