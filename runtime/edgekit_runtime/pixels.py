"""What a pixel means, in one place: training, evaluation, export and the runtime convert frames here alone.

Nothing is guessed from an image. A frame has the type, the depth and the channels that its `PixelFormat` states, or it
is refused with what would do; colour becomes grey by the stated formula, in integers, the same on every machine. Grey
is the colour whose channels are equal: a network that takes colours sees it so, as it did in training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle.contract import GreyFormula, PixelFormat
from edgekit_runtime.errors import FrameError

Frame = npt.NDArray[np.uint8 | np.uint16]
"""As a camera gives it: uint8 up to 8 bits, uint16 above."""

GraphFrames = npt.NDArray[np.uint8 | np.int32]
"""As the graph takes them: deeper pixels are widened."""

LUMA: Mapping[GreyFormula, tuple[int, int, int]] = {
    "bt601": (19595, 38470, 7471),
    "bt709": (13933, 46871, 4732),
}
"""Weights of red, green and blue in 65536ths: 0.299, 0.587, 0.114 of ITU-R BT.601, as Pillow's mode "L" has them, and
0.2126, 0.7152, 0.0722 of BT.709. Each sum is 65536, so that grey stays grey, and no sum of 16-bit values exceeds
uint32."""

_BLOCK_PIXELS = 1 << 15
"""Pixels that are converted at a time: their 32-bit sums stay in the nearer caches (512×4096: 7 ms in place of 12)."""


def convert_frame(frame: npt.NDArray[Any], pixels: PixelFormat, what: str = "The frame") -> Frame:
    """Return one frame as a network's `pixels` say, (H, W) or (H, W, 3); what is so already is not copied.

    Args:
        frame: (H, W) or (H, W, 3). For a grey network colours are red, green, blue; for a colour network their order
            is that of `pixels`, and grey is repeated.
        pixels: What a pixel means.
        what: The frame's name in messages, such as "Frame 3".

    Raises:
        FrameError: If its type, its channels, its depth or its colours are not what is stated.
    """
    return _convert(frame, pixels, what, is_colour=frame.ndim == 3)


def convert_frames(frames: npt.NDArray[Any], pixels: PixelFormat, what: str = "The batch") -> Frame:
    """Return frames of one size, (N, H, W) or (N, H, W, 3), as `convert_frame` returns one; errors as there."""
    return _convert(frames, pixels, what, is_colour=frames.ndim == 4)


def widen(frames: npt.NDArray[Any], pixels: PixelFormat) -> GraphFrames:
    """Return converted frames in the type of the graph; 8-bit ones are not copied."""
    wide: GraphFrames = frames.astype(pixels.graph_type, copy=False)
    return wide


def check_levels(frame: npt.NDArray[Any], pixels: PixelFormat, what: str = "The frame") -> None:
    """Refuse values that pixels of this depth cannot have; where the type holds no others nothing is looked at.

    Raises:
        FrameError: Naming the largest value.
    """
    if pixels.bits == 8 * frame.itemsize or not frame.size:
        return
    most = int(frame.max())
    if most < pixels.levels:
        return
    raise FrameError(
        f"{what} holds the value {most}; pixels of {pixels.bits} bits go from 0 to {pixels.levels - 1}.",
        remedy=f"A camera that aligns its {pixels.bits} bits to the left needs a shift: frame >> "
        f"{8 * frame.itemsize - pixels.bits}. Else train and export for frames of {most.bit_length()} bits "
        f"(--bits {most.bit_length()}).",
    )


def to_grey(colours: npt.NDArray[Any], formula: GreyFormula, what: str = "The frame") -> Frame:
    """Return the grey values of unsigned RGB (…, 3), in its type: (w · RGB + 2^15) >> 16, exact.

    Args:
        colours: uint8 or uint16 (…, 3), channels last.
        formula: "equal" takes only what is grey already.
        what: The frame's name in messages.

    Raises:
        FrameError: If the formula is "equal" and the channels differ.
    """
    if formula == "equal":
        if not (colours[..., 1:] == colours[..., :1]).all():
            raise FrameError(
                f"{what} is in colour; expected grey.",
                remedy="State how colours become grey when the network is trained (--grey bt601 or bt709), or convert "
                "them first.",
            )
        grey: Frame = np.ascontiguousarray(colours[..., 0])
        return grey
    converted = np.empty(colours.shape[:-1], colours.dtype)
    rows = converted.reshape(-1, converted.shape[-1])  # of one frame or of many
    source = colours.reshape(*rows.shape, 3)
    step = max(1, _BLOCK_PIXELS // max(1, rows.shape[1]))
    for top in range(0, len(rows), step):
        _weigh(source[top : top + step], LUMA[formula], rows[top : top + step])
    return converted


def repeat_grey(frames: npt.NDArray[Any]) -> Frame:
    """Return grey values (…) as colours whose three channels are equal, (…, 3)."""
    colours: Frame = np.empty((*frames.shape, 3), frames.dtype)
    colours[...] = frames[..., np.newaxis]
    return colours


def describe_type(pixels: PixelFormat) -> str:
    """Return the type of frames for people, such as "uint8", "uint8 bgr" or "uint16 (12 bits)"."""
    kind = "" if pixels.channels == "grey" else f" {pixels.channels}"
    depth = "" if pixels.bits in (8, 16) else f" of {pixels.bits} bits"
    return f"{pixels.frame_type}{kind}{depth}"


def advise_type(dtype: np.dtype[Any], pixels: PixelFormat) -> str:
    """Return what to do with frames of another type than `pixels` have."""
    if dtype.kind == "f":
        return (
            f"Pass the camera's own {pixels.bits}-bit values (0 to {pixels.levels - 1}); normalisation is part of the "
            "bundle's graph."
        )
    if dtype.kind == "b":
        return "Pass grey values, not a mask."
    if pixels.bits <= 8:
        return (
            "Scale the image to 8 bits by the range of your camera, not by the image's own maximum; or train and "
            "export for frames of your camera's depth (--bits 12)."
        )
    if dtype == np.uint8:
        return (
            f"Set the camera to {pixels.bits} bits. For frames of 8 bits, take a network that was trained on such "
            "images (--bits 8)."
        )
    return f"Pass the camera's own {pixels.bits}-bit values as numpy.uint16."


def _convert(frame: npt.NDArray[Any], pixels: PixelFormat, what: str, *, is_colour: bool) -> Frame:
    if frame.dtype != pixels.frame_type:
        raise FrameError(
            f"{what} must be {describe_type(pixels)}; got {frame.dtype}.",
            remedy=advise_type(frame.dtype, pixels),
        )
    check_levels(frame, pixels, what)
    wants_colour = pixels.channels != "grey"
    if wants_colour != is_colour:
        if wants_colour:
            return repeat_grey(frame)
        return to_grey(frame, pixels.grey, what)
    return frame


def _weigh(colours: npt.NDArray[Any], weights: tuple[int, int, int], out: npt.NDArray[Any]) -> None:
    total = np.full(out.shape, 1 << 15, np.uint32)
    for channel, weight in enumerate(weights):
        total += np.multiply(colours[..., channel], np.uint32(weight), dtype=np.uint32)
    out[...] = total >> 16
