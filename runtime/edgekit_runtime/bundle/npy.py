"""Arrays as .npy bytes in one form, read without evaluating anything.

NumPy's own reader evaluates the header as Python literals and believes its shape before it looks at the data.
Here the header must match one pattern and its shape must account for every byte, so a lying header costs
nothing. Any .npy of version 1.0, C order and little-endian matches, which is what numpy.save writes for such
arrays.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

ARRAY_DTYPES = ("bool", "uint8", "uint16", "int8", "int32", "int64", "float16", "float32")
"""What stages take and give, and uint16 for the frames of deeper cameras. No objects: those are pickles."""

_MAGIC = b"\x93NUMPY\x01\x00"
_PREFIX = len(_MAGIC) + 2
_ALIGNMENT = 64
_MAX_AXES = 8
_HEADER = re.compile(
    rb"\{'descr': '([<|][a-z]\d)', 'fortran_order': False, "
    rb"'shape': \((|\d{1,10},|\d{1,10}(?:, \d{1,10}){1,7})\), \} *\n"
)
_DTYPE_BY_DESCR = {
    np.dtype(name).newbyteorder("<").str: np.dtype(name).newbyteorder("<") for name in ARRAY_DTYPES
}


class NpyError(ValueError):
    """The bytes are not an array in the one form, or the array has no such form."""


def array_bytes(array: npt.ArrayLike) -> bytes:
    """Return the array as .npy bytes; equal arrays give equal bytes with every NumPy release.

    Raises:
        NpyError: If the dtype is none of `ARRAY_DTYPES`, or the array has more than eight axes.
    """
    values = np.asarray(array)
    if values.dtype.name not in ARRAY_DTYPES:
        raise NpyError(f"dtype {values.dtype} is none of {', '.join(ARRAY_DTYPES)}")
    if values.ndim > _MAX_AXES:
        raise NpyError(f"{values.ndim} axes are too many, at most {_MAX_AXES} are allowed")
    dtype = values.dtype.newbyteorder("<")
    # numpy.save pads by a rule that changed between releases, so the header is written here.
    header = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {values.shape}, }}".encode()
    padding = -(_PREFIX + len(header) + 1) % _ALIGNMENT
    header += b" " * padding + b"\n"
    return _MAGIC + len(header).to_bytes(2, "little") + header + values.astype(dtype).tobytes(order="C")


def parse_array(raw: bytes) -> npt.NDArray[Any]:
    """Return the array that the bytes hold, read-only and without a copy.

    Raises:
        NpyError: If the bytes are not an array in the one form.
    """
    if raw[: len(_MAGIC)] != _MAGIC or len(raw) < _PREFIX:
        raise NpyError("is no .npy file of version 1.0")
    start = _PREFIX + int.from_bytes(raw[len(_MAGIC) : _PREFIX], "little")
    match = _HEADER.fullmatch(raw[_PREFIX:start])
    if match is None or start > len(raw):
        raise NpyError("has a .npy header that is not a plain little-endian array in C order")
    dtype = _DTYPE_BY_DESCR.get(match[1].decode())
    if dtype is None:
        raise NpyError(f"holds dtype {match[1].decode()!r}, which is none of {', '.join(ARRAY_DTYPES)}")
    shape = tuple(int(size) for size in match[2].decode().split(",") if size)
    expected = dtype.itemsize
    for size in shape:
        expected *= size
    if expected != len(raw) - start:
        raise NpyError(f"promises {dtype} {shape}, {expected} bytes, and holds {len(raw) - start}")
    try:
        return np.frombuffer(raw, dtype, offset=start).reshape(shape)
    except ValueError as error:  # (0, 9999999999, 9999999999): no bytes, and still too large for NumPy
        raise NpyError(f"has the shape {shape}, which is too large") from error
