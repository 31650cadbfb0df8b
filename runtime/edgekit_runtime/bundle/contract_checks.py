"""The rules of the input contract that types cannot say."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit_runtime.bundle.contract import MAX_BITS, InputContract, PixelFormat
from edgekit_runtime.bundle.manifest import Manifest

MAX_SIDE_PX = 1 << 16
MAX_BATCH = 1 << 12
"""Buffers are allocated from these, so a lying manifest must not name a petabyte."""

MIN_SCALE, MAX_SCALE = 1e-9, 1e9
"""Grey values that may count as 1.0: far from where float32, and what pictures are shaded by, end."""

MIN_MM_PER_PIXEL, MAX_MM_PER_PIXEL = 1e-6, 1e6
"""From a nanometre to a kilometre: areas in mm² are numbers then, however large the region."""


def find_contract_faults(manifest: Manifest) -> Iterator[str]:
    """Yield what breaks a rule about the frames, in words."""
    contract = manifest.input
    yield from _find_pixel_faults(contract.pixels)
    yield from _find_size_faults(contract)
    yield from _find_tile_faults(contract)
    yield from find_length_faults(contract.mm_per_pixel)
    if contract.fit == "tile" and manifest.model.task == "classify":
        yield "input.fit is 'tile', but a class is that of a whole frame: only masks can be joined"


def find_length_faults(mm_per_pixel: float | None) -> Iterator[str]:
    """Yield what is wrong with the millimetres per pixel, in words; None, where they are not known, is right."""
    # Written so that NaN fails.
    if mm_per_pixel is not None and not MIN_MM_PER_PIXEL <= mm_per_pixel <= MAX_MM_PER_PIXEL:
        yield f"input.mm_per_pixel is {mm_per_pixel:g}, {MIN_MM_PER_PIXEL:g} to {MAX_MM_PER_PIXEL:g} are allowed"


def _find_pixel_faults(pixels: PixelFormat) -> Iterator[str]:
    if not 1 <= pixels.bits <= MAX_BITS:
        yield f"input.pixels.bits is {pixels.bits}, 1 to {MAX_BITS} are allowed"
    if not MIN_SCALE <= pixels.scale <= MAX_SCALE:
        yield f"input.pixels.scale is {pixels.scale:g}, {MIN_SCALE:g} to {MAX_SCALE:g} are allowed"
    if pixels.channels != "grey" and pixels.grey != "equal":
        yield f"input.pixels.grey is {pixels.grey!r}, but the frames are {pixels.channels} and stay so"


def _find_size_faults(contract: InputContract) -> Iterator[str]:
    for what, size, most in (
        ("height", contract.height, MAX_SIDE_PX),
        ("width", contract.width, MAX_SIDE_PX),
        ("multiple", contract.multiple, MAX_SIDE_PX),
        ("batch", 1 if contract.batch is None else contract.batch, MAX_BATCH),
    ):
        if not 1 <= size <= most:
            yield f"input.{what} is {size}, 1 to {most} are allowed"
    for what, size in (("height", contract.height), ("width", contract.width)):
        if contract.multiple >= 1 and size % contract.multiple:
            yield f"input.{what} is {size}, which is no multiple of {contract.multiple}"


def _find_tile_faults(contract: InputContract) -> Iterator[str]:
    if contract.reach is not None and contract.reach < 0:
        yield f"input.reach is {contract.reach}, and must be 0 or more"
    if contract.fit != "tile":
        if contract.overlap:
            yield f"input.overlap is {contract.overlap}, but only tiles overlap and input.fit is {contract.fit!r}"
        return
    # Half the tile: with more, a pixel would lie in three tiles of a row.
    most = min(contract.height, contract.width) // 2
    if not 0 <= contract.overlap <= most:
        yield f"input.overlap is {contract.overlap}, 0 to half the tile, {most}, are allowed"
    elif contract.multiple >= 1 and contract.overlap % contract.multiple:
        yield f"input.overlap is {contract.overlap}, which is no multiple of {contract.multiple}"
