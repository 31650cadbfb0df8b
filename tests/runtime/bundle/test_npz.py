"""Named arrays: what is written is read, by NumPy too; what could be anything else is refused before it is read."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgekit_runtime.bundle import arrays_bytes
from edgekit_runtime.bundle.npy import ARRAY_DTYPES, NpyError, array_bytes
from edgekit_runtime.bundle.npz import MAX_ARRAYS, NpzError, parse_arrays

names = st.text("abcxyzäλ._-0123456789", min_size=1, max_size=12)
arrays = st.sampled_from(ARRAY_DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
GOOD = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a.bias": np.ones(2, np.float32)}


def write_zip(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@settings(deadline=None)
@given(st.dictionaries(names, arrays, max_size=5))
def test_arrays_survive_and_numpy_reads_the_same(named: dict[str, Any]) -> None:
    raw = arrays_bytes(named)
    with np.load(io.BytesIO(raw), allow_pickle=False) as numpys:
        for read in (parse_arrays(raw), dict(numpys)):
            assert list(read) == list(named)
            for name, array in named.items():
                assert read[name].dtype == array.dtype
                assert read[name].shape == array.shape
                assert read[name].tobytes() == array.tobytes()
    assert not any(array.flags.writeable for array in parse_arrays(raw).values())


def test_equal_arrays_give_equal_bytes_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = arrays_bytes(GOOD)
    monkeypatch.setattr("sys.platform", "win32")
    assert arrays_bytes({name: np.asfortranarray(array) for name, array in GOOD.items()}) == expected


def test_no_time_and_no_system_is_in_the_bytes() -> None:
    with zipfile.ZipFile(io.BytesIO(arrays_bytes(GOOD))) as archive:
        for member in archive.infolist():
            assert (member.date_time, member.create_system, member.extra) == ((1980, 1, 1, 0, 0, 0), 3, b"")


def test_arrays_outside_the_form_are_not_written() -> None:
    with pytest.raises(NpyError):
        arrays_bytes({"a": np.array([None])})


REFUSED = {
    "no zip": (b"PK but no zip", "is no .npz file"),
    "nothing": (b"", "is no .npz file"),
    "no array": (write_zip({"a.npy": b"text"}), "holds a member that is no .npy file"),
    "another suffix": (write_zip({"a.txt": array_bytes(GOOD["a.bias"])}), "'a.txt', which is no .npy file"),
    "deflated": (
        write_zip({"a.npy": array_bytes(GOOD["a.bias"])}, zipfile.ZIP_DEFLATED),
        "'a.npy' compressed",
    ),
    "too many": (
        write_zip({f"{index}.npy": b"" for index in range(MAX_ARRAYS + 1)}),
        f"holds {MAX_ARRAYS + 1} arrays",
    ),
}


@pytest.mark.parametrize(("raw", "words"), REFUSED.values(), ids=REFUSED)
def test_other_bytes_are_refused(raw: bytes, words: str) -> None:
    with pytest.raises(NpzError, match=words):
        parse_arrays(raw)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for _ in range(2):
            archive.writestr("a.npy", array_bytes(GOOD["a.bias"]))
    with pytest.raises(NpzError, match="two arrays of one name"):
        parse_arrays(buffer.getvalue())


def test_an_encrypted_member_is_refused() -> None:
    raw = bytearray(arrays_bytes(GOOD))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + flags] |= 1
    with pytest.raises(NpzError, match="encrypted"):
        parse_arrays(bytes(raw))


def test_a_bomb_costs_nothing() -> None:
    raw = write_zip({"a.npy": array_bytes(np.zeros(50_000_000, np.uint8))}, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    try:
        with pytest.raises(NpzError):
            parse_arrays(raw)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_members_that_share_their_bytes_are_refused_before_they_are_read() -> None:
    content = array_bytes(np.zeros(100_000, np.uint8))
    raw = write_zip({"a.npy": content})
    directory = raw.index(b"PK\x01\x02")
    end = raw.index(b"PK\x05\x06")
    entry, tail = raw[directory:end], bytearray(raw[end:])
    entries = b"".join(entry.replace(b"a.npy", b"%c.npy" % letter) for letter in b"abcdefgh")
    struct.pack_into("<HHI", tail, 8, 8, 8, len(entries))
    with pytest.raises(NpzError, match="promise more bytes than there are"):
        parse_arrays(raw[:directory] + entries + bytes(tail))


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_damage_is_an_error_of_ours_or_no_damage(data: st.DataObject) -> None:
    raw = bytearray(arrays_bytes(GOOD))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.sampled_from([len(raw), len(raw) // 2, len(raw) - 1]))])
    try:
        parse_arrays(cut)
    except NpzError as error:
        assert str(error).isprintable()
