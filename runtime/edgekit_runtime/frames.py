"""The input contract on the runtime's side: which frames a bundle takes, and how they enter its graph.

Grey frames enter as uint8 (N, H, W), colour frames as uint8 (N, H, W, 3) in the contract's order of channels.
Nothing is resized, cropped, converted or guessed: what does not fit is refused, with what would.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle.manifest import InputContract
from edgekit_runtime.errors import FrameError, UsageProblem

Frames = npt.NDArray[np.uint8]
"""uint8 (N, H, W) or (N, H, W, 3), contiguous."""


def check_contract(contract: InputContract) -> None:
    """Refuse contracts that this release cannot serve.

    Raises:
        UsageProblem: If frames would have to be padded, tiled or widened.
    """
    if contract.fit != "refuse":
        raise UsageProblem(
            f"The bundle fits frames of other sizes by {contract.fit!r}, which this release does not do.",
            remedy="Export the bundle for the exact size of your frames (--size HxW).",
        )
    if contract.dtype != "uint8":
        raise UsageProblem(
            f"The bundle takes {contract.bits}-bit frames ({contract.dtype}); this release runs 8-bit ones.",
            remedy="Export the bundle for 8-bit frames.",
        )


def prepare_frame(frame: object, contract: InputContract) -> Frames:
    """Return one frame as a batch of one: contiguous uint8 (1, H, W[, 3]).

    Raises:
        FrameError: If the frame is not what the contract asks for.
        UsageProblem: If this release cannot serve the contract.
    """
    check_contract(contract)
    return np.ascontiguousarray(_check_frame(frame, contract, "The frame"))[np.newaxis]


def prepare_batch(frames: object, contract: InputContract) -> Frames:
    """Return frames as one batch: contiguous uint8 (N, H, W[, 3]).

    Args:
        frames: An array (N, H, W[, 3]), or a sequence of frames.
        contract: The bundle's input contract.

    Raises:
        FrameError: If there is no frame, or one is not what the contract asks for.
        UsageProblem: If this release cannot serve the contract.
    """
    check_contract(contract)
    if isinstance(frames, np.ndarray):
        if frames.ndim == len(contract.frame_shape):
            raise FrameError(
                f"A batch must be {_describe(contract, batch=True)}; got one array of shape {frames.shape}.",
                remedy="Pass one frame as detector(frame), or a batch of one as frame[None].",
            )
        if not len(frames):
            raise _no_frames()
        _check_array(frames, contract, "The batch", batch=True)
        return np.ascontiguousarray(frames)
    if isinstance(frames, (str, bytes)) or not isinstance(frames, Iterable):
        raise FrameError(
            f"Frames must be NumPy arrays, {_describe(contract)} each; got {type(frames).__name__}.",
            remedy="Pass a list of arrays, or one array with the batch as its first axis.",
        )
    checked = [_check_frame(frame, contract, f"Frame {index}") for index, frame in enumerate(frames)]
    if not checked:
        raise _no_frames()
    return np.stack(checked)


def _check_frame(frame: object, contract: InputContract, what: str) -> npt.NDArray[np.uint8]:
    if not isinstance(frame, np.ndarray):
        raise FrameError(
            f"{what} must be a NumPy array, {_describe(contract)}; got {type(frame).__name__}.",
            remedy="Convert it first: numpy.asarray(image), or tensor.cpu().numpy().",
        )
    _check_array(frame, contract, what, batch=False)
    return frame


def _check_array(array: npt.NDArray[Any], contract: InputContract, what: str, *, batch: bool) -> None:
    shape = array.shape[1:] if batch else array.shape
    expected = contract.frame_shape
    if array.dtype == np.uint8 and shape == expected:
        return
    if len(shape) != len(expected) or shape[2:] != expected[2:]:
        remedy = _channel_remedy(shape, contract)
    elif shape != expected:
        remedy = (
            f"Crop or resize it to {contract.height} rows and {contract.width} columns, "
            "or export the bundle for your size (--size HxW)."
        )
    else:
        remedy = _dtype_remedy(array.dtype)
    raise FrameError(
        f"{what} must be {_describe(contract, batch=batch)}; got {array.dtype} {array.shape}.", remedy=remedy
    )


def _channel_remedy(shape: tuple[int, ...], contract: InputContract) -> str:
    channels = shape[2] if len(shape) == 3 else 1
    if contract.channels != "grey":
        if channels == 4:
            return f"Drop the alpha channel: frame[..., :3], in the order {contract.channels}."
        return f"The bundle takes colour frames, channels last, in the order {contract.channels}."
    if channels == 1 and len(shape) == 3:
        return "Drop the last axis: frame[..., 0]."
    return "The bundle takes grey frames: convert colour images to grey first."


def _dtype_remedy(dtype: np.dtype[Any]) -> str:
    if dtype.kind == "f":
        return "Pass the camera's own 8-bit values (0 to 255); normalisation is part of the bundle's graph."
    if dtype.kind == "b":
        return "Pass grey values, not a mask."
    return "Scale the image to 8 bits by the range of your camera, not by the image's own maximum."


def _describe(contract: InputContract, *, batch: bool = False) -> str:
    size = ", ".join(map(str, contract.frame_shape))
    kind = "" if contract.channels == "grey" else f" {contract.channels}"
    return f"uint8{kind} (N, {size})" if batch else f"uint8{kind} ({size})"


def _no_frames() -> FrameError:
    return FrameError(
        "The batch holds no frame; at least one was expected.", remedy="Pass one frame or more."
    )
