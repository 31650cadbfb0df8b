"""The input contract on the runtime's side: which frames a bundle takes, and how they enter its graph.

Grey frames enter as (N, H, W), colour frames as (N, H, W, 3) in the contract's order of channels; uint8, or int32 where
pixels are deeper. What a pixel means is for `pixels` to say. Nothing is resized or guessed. With the fit "refuse" every
frame has the graph's size; with "pad" it may be smaller, and its border is repeated below and to the right; with "tile"
it may have any size, and is cut into tiles of the graph's. What does not fit is refused, with what would.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle.contract import InputContract
from edgekit_runtime.errors import FrameError
from edgekit_runtime.padding import pad_frame, padded_size
from edgekit_runtime.pixels import (
    Frame,
    GraphFrames,
    advise_type,
    convert_frame,
    convert_frames,
    describe_type,
    widen,
)
from edgekit_runtime.tiling import TileGrid, plan_tiles

Frames = GraphFrames
"""uint8 or int32 (N, H, W) or (N, H, W, 3), contiguous."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Frames as the graph takes them, and what each was before.

    Attributes:
        frames: (N, H, W) or (N, H, W, 3) of the graph's size and type, contiguous. Where the contract's fit is "tile",
            all tiles of the first frame, then those of the second, and so on (`plan_grid`).
        sizes: (height, width) of every frame before it was padded or cut.
    """

    frames: Frames
    sizes: tuple[tuple[int, int], ...]


def plan_grid(size: tuple[int, int], contract: InputContract) -> TileGrid:
    """Return which tiles a frame of this size, (height, width), is cut into by a contract whose fit is "tile"."""
    return plan_tiles(size, (contract.height, contract.width), contract.overlap, contract.multiple)


def prepare_frame(frame: object, contract: InputContract) -> Batch:
    """Return one frame as a batch of one; a contiguous frame of the graph's size is not copied.

    Raises:
        FrameError: If the frame is not what the contract asks for.
    """
    checked = _check_frame(frame, contract, "The frame")
    if _size_of(checked) != (contract.height, contract.width) and contract.fit == "tile":
        return _cut([checked], contract)
    # Contiguous again: padding keeps the order of axes of a transposed frame.
    padded = np.ascontiguousarray(pad_frame(checked, (contract.height, contract.width)))
    return Batch(widen(padded[np.newaxis], contract.pixels), (_size_of(checked),))


def prepare_batch(frames: object, contract: InputContract) -> Batch:
    """Return frames as one batch; a contiguous array of the graph's size is not copied.

    Args:
        frames: An array (N, H, W[, 3]), or a sequence of frames, whose sizes may differ where the bundle pads or cuts.
        contract: The bundle's input contract.

    Raises:
        FrameError: If there is no frame, or one is not what the contract asks for.
    """
    if isinstance(frames, np.ndarray):
        if _is_one_frame(frames, contract):
            raise FrameError(
                f"A batch must be {_describe(contract, batch=True)}; got one array of shape {frames.shape}.",
                remedy="Pass one frame as detector(frame), or a batch of one as frame[None].",
            )
        if not len(frames):
            raise _no_frames()
        _check_array(frames, contract, "The batch", batch=True)
        whole = convert_frames(frames, contract.pixels)
        if whole.shape[1:] == contract.frame_shape:
            wide = np.ascontiguousarray(widen(whole, contract.pixels))
            return Batch(wide, (_size_of(whole[0]),) * len(whole))
        return _stack(whole, contract)
    if isinstance(frames, (str, bytes)) or not isinstance(frames, Iterable):
        raise FrameError(
            f"Frames must be NumPy arrays, {_describe(contract)} each; got {type(frames).__name__}.",
            remedy="Pass a list of arrays, or one array with the batch as its first axis.",
        )
    checked = [_check_frame(frame, contract, f"Frame {index}") for index, frame in enumerate(frames)]
    if not checked:
        raise _no_frames()
    return _stack(checked, contract)


def _is_one_frame(frames: npt.NDArray[Any], contract: InputContract) -> bool:
    """Tell one frame from a batch: a last axis of three holds colours, but in a graph of three columns."""
    return frames.ndim == 2 or (frames.ndim == 3 and frames.shape[2] == 3 != contract.width)


def _stack(frames: Sequence[Frame] | Frame, contract: InputContract) -> Batch:
    if contract.fit == "tile":
        return _cut(frames, contract)
    padded = np.empty((len(frames), *contract.frame_shape), contract.pixels.graph_type)
    for row, frame in zip(padded, frames, strict=True):
        row[...] = pad_frame(frame, (contract.height, contract.width))
    return Batch(padded, tuple(_size_of(frame) for frame in frames))


def _cut(frames: Sequence[Frame] | Frame, contract: InputContract) -> Batch:
    sizes = tuple(_size_of(frame) for frame in frames)
    grids = [plan_grid(size, contract) for size in sizes]
    tiles = np.empty((sum(map(len, grids)), *contract.frame_shape), contract.pixels.graph_type)
    first = 0
    for frame, grid in zip(frames, grids, strict=True):
        grid.cut_into(frame, tiles[first : first + len(grid)])
        first += len(grid)
    return Batch(tiles, sizes)


def _size_of(frame: Frame) -> tuple[int, int]:
    return frame.shape[0], frame.shape[1]


def _check_frame(frame: object, contract: InputContract, what: str) -> Frame:
    if not isinstance(frame, np.ndarray):
        raise FrameError(
            f"{what} must be a NumPy array, {_describe(contract)}; got {type(frame).__name__}.",
            remedy="Convert it first: numpy.asarray(image), or tensor.cpu().numpy().",
        )
    _check_array(frame, contract, what, batch=False)
    return convert_frame(frame, contract.pixels, what)


def _check_array(array: npt.NDArray[Any], contract: InputContract, what: str, *, batch: bool) -> None:
    shape = array.shape[1:] if batch else array.shape
    # Colours may come where grey is taken, and the other way round: `pixels` knows what becomes of them.
    if len(shape) < 2 or shape[2:] not in ((), (3,)):
        remedy = _channel_remedy(shape, contract)
    elif not _admits(contract, shape[0], shape[1]):
        remedy = _size_remedy(shape[0], shape[1], contract)
    elif array.dtype != contract.pixels.frame_type:
        remedy = advise_type(array.dtype, contract.pixels)
    else:
        return
    raise FrameError(
        f"{what} must be {_describe(contract, batch=batch)}; got {array.dtype} {array.shape}.", remedy=remedy
    )


def _admits(contract: InputContract, height: int, width: int) -> bool:
    if contract.fit == "tile":
        return height >= 1 and width >= 1
    if contract.fit == "pad":
        return 1 <= height <= contract.height and 1 <= width <= contract.width
    return (height, width) == (contract.height, contract.width)


def _size_remedy(height: int, width: int, contract: InputContract) -> str:
    if not height or not width:
        return "The frame has no pixel: look at where it was cut out or read."
    if contract.fit == "pad":
        larger = max(height, contract.height), max(width, contract.width)
        rows, columns = padded_size(*larger, contract.multiple)
        return (
            f"Export the bundle for the larger size (--size {rows}x{columns}), or for frames of any size "
            "(--fit tile)."
        )
    return (
        f"Crop or resize it to {contract.height} rows and {contract.width} columns, or export the bundle "
        "for your size (--size HxW), for frames up to a size (--fit pad) or of any size (--fit tile)."
    )


def _channel_remedy(shape: tuple[int, ...], contract: InputContract) -> str:
    channels = shape[2] if len(shape) == 3 else 1
    if contract.pixels.channels != "grey":
        if channels == 4:
            return f"Drop the alpha channel: frame[..., :3], in the order {contract.pixels.channels}."
        if channels == 1 and len(shape) == 3:
            return "Drop the last axis: frame[..., 0]."
        return f"The bundle takes colour frames, channels last, in the order {contract.pixels.channels}, or grey ones."
    if channels == 1 and len(shape) == 3:
        return "Drop the last axis: frame[..., 0]."
    return "The bundle takes grey frames (height, width), or RGB ones (height, width, 3)."


def _describe(contract: InputContract, *, batch: bool = False) -> str:
    sides: tuple[int | str, ...] = (contract.height, contract.width)
    if contract.fit == "pad":
        sides = (f"at most {contract.height}", f"at most {contract.width}")
    elif contract.fit == "tile":
        sides = ("height", "width")
    size = ", ".join(map(str, (*sides, *contract.frame_shape[2:])))
    kind = describe_type(contract.pixels)
    return f"{kind} (N, {size})" if batch else f"{kind} ({size})"


def _no_frames() -> FrameError:
    return FrameError(
        "The batch holds no frame; at least one was expected.", remedy="Pass one frame or more."
    )
