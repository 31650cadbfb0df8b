"""Named arrays as .npz bytes in one form, read without evaluating anything.

A .npz is a zip of .npy files; numpy.load reads what is written here. Members are stored, not deflated, so that no
archive grows when it is opened, and each must be an array in the one form of `bundle.npy`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from edgekit_runtime.bundle.npy import NpyError, array_bytes, parse_array

_SUFFIX = ".npy"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold: equal arrays give equal bytes."""

_UNIX = 3
"""Where a zip says that it was made; Python would say which system it runs on."""

MAX_ARRAYS = 1024

_MAX_WORDS = 200
"""Of what zipfile says: it quotes names, which may be long."""


class NpzError(ValueError):
    """The bytes are not named arrays in the one form."""


def arrays_bytes(arrays: Mapping[str, npt.ArrayLike]) -> bytes:
    """Return named arrays as .npz bytes; equal arrays in equal order give equal bytes.

    Raises:
        NpyError: If a dtype has no .npy form in a bundle.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(name + _SUFFIX, _EPOCH)
            member.create_system = _UNIX
            archive.writestr(member, array_bytes(array))
    return buffer.getvalue()


def parse_arrays(raw: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the named arrays that the bytes hold, read-only.

    Raises:
        NpzError: If the bytes are no zip, a member is compressed, damaged, no array, or there twice.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = archive.infolist()
            _check_members(members, len(raw))
            return {member.filename[: -len(_SUFFIX)]: parse_array(archive.read(member)) for member in members}
    except NpyError as error:
        raise NpzError(f"holds a member that {error}") from error
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError, RuntimeError) as error:
        if isinstance(error, NpzError):
            raise
        raise NpzError(f"is no .npz file: {str(error)[:_MAX_WORDS]}") from error


def _check_members(members: list[zipfile.ZipInfo], size_bytes: int) -> None:
    names = [member.filename for member in members]
    if len(names) > MAX_ARRAYS:
        raise NpzError(f"holds {len(names)} arrays, at most {MAX_ARRAYS} are allowed")
    if len(set(names)) != len(names):
        raise NpzError("holds two arrays of one name")
    for member in members:
        if not member.filename.endswith(_SUFFIX):
            raise NpzError(f"holds {member.filename[:64]!r}, which is no .npy file")
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise NpzError(f"holds {member.filename[:64]!r} compressed; members are stored as they are")
    # Many members may point at the same bytes, and each of them would be read.
    if sum(member.file_size for member in members) > size_bytes:
        raise NpzError("holds members that promise more bytes than there are")
