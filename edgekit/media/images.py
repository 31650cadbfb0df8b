"""Reading and writing image files through Pillow, strictly: nothing is rescaled, guessed or dropped in silence."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import DatasetError, DepthError, EdgekitError, FrameError, IoFault, MaskError
from edgekit_runtime.optional import import_optional
from edgekit_runtime.pixels import Frame, check_levels, to_grey

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
"""File name endings, in lower case, that are taken for images."""

LARGEST_PIXELS = 150_000_000
"""Larger images are refused before they are decoded: a small file can claim a huge one. Below Pillow's own limit."""

FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
"""What Pillow may try: a file that is called .png and holds PostScript must not start Ghostscript."""

EXIF_ORIENTATION, UPRIGHT = 0x0112, 1
"""A camera's note that the pixels are to be shown rotated: image and mask would not lie on each other."""

DEEP_MODES = ("I;16", "I;16B", "I;16L")
"""What Pillow calls 16-bit grey. (It has no 16-bit colour, and "I" is 32 bits.)"""

Channels = Literal["grey", "rgb", "native"]
Pixels = npt.NDArray[np.uint8]


def _pillow() -> ModuleType:
    return import_optional("PIL.Image", extra="cpu")


def is_image_file(path: Path) -> bool:
    """Tell by the name whether a file is taken for an image."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def list_images(paths: Sequence[Path]) -> list[Path]:
    """Return the image files: files as they are named, folders' images in the order of their names.

    Raises:
        DatasetError: If a folder holds no image.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(entry for entry in path.iterdir() if is_image_file(entry))
        if not inside:
            raise DatasetError(
                f"{path} holds no images.", remedy=f"edgekit reads {', '.join(SUFFIXES)} files."
            )
        found += inside
    return found


def read_image(
    path: Path,
    pixels: PixelFormat = PixelFormat(),  # noqa: B008
    *,
    channels: Channels = "grey",
) -> Frame:
    """Read an image of the stated depth: uint8 up to 8 bits, uint16 above.

    Args:
        path: The file.
        pixels: Its depth, and how colours become grey; their channels are always red, green, blue.
        channels: "grey" gives (H, W). "rgb" gives (H, W, 3); a grey file is repeated. "native" gives grey as "grey"
            does where that is possible, else RGB.

    Raises:
        DepthError: If the file has another depth.
        FrameError: If the file is no image, has an alpha channel, a palette or values beyond the depth, or is in colour
            where grey is asked and no formula says how it becomes grey.
        IoFault: If the file cannot be opened.
    """
    image, mode = _decode(path, FrameError, deep=pixels.bits > 8)
    _check_depth(path, image, mode, pixels)
    check_levels(image, pixels, str(path))
    if channels == "rgb":
        return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
    if image.ndim == 2:
        return image
    if channels == "native" and pixels.grey == "equal" and not (image == image[:, :, :1]).all():
        return image
    return to_grey(image, pixels.grey, str(path))


def _check_depth(path: Path, image: npt.NDArray[Any], mode: str, pixels: PixelFormat) -> None:
    """Refuse files of another depth than stated, naming both."""
    is_deep, is_shallow = mode in DEEP_MODES, mode in ("1", "L", "RGB")
    if pixels.bits <= 8 and is_deep:
        raise DepthError(
            f"{path} is a 16-bit image; expected {pixels.bits}-bit grey or RGB.",
            remedy="Say how many of its 16 bits the camera fills (--bits 10, 12, 14 or 16), where the data are checked "
            "and the network is trained: edgekit does not guess it. Or convert it to 8 bits with a scale you choose.",
            bits=int(image.max()).bit_length(),
        )
    if pixels.bits > 8 and is_shallow:
        raise DepthError(
            f"{path} is an 8-bit image; expected {pixels.bits}-bit grey in a 16-bit file.",
            remedy=f"Name the camera's own {pixels.bits}-bit images, or leave --bits out for a network of 8 bits: "
            "stretched values are no deeper.",
            bits=8,
        )
    if not is_deep and not is_shallow:
        wanted = "8-bit grey or RGB" if pixels.bits <= 8 else f"{pixels.bits}-bit grey in a 16-bit file"
        depth = 8 if pixels.bits <= 8 else 16
        raise FrameError(
            f"{path} is {_MODE_NAMES.get(mode, f'of mode {mode}')}; expected {wanted}.",
            remedy=f"Convert it to {depth}-bit grey without alpha, with a scale you choose: edgekit guesses none.",
        )


def order_channels(frame: Frame, channels: str) -> Frame:
    """Return an RGB frame in the order that a bundle takes ("rgb" or "bgr"); grey frames as they are."""
    return np.ascontiguousarray(frame[:, :, ::-1]) if channels == "bgr" else frame


def read_mask(path: Path) -> Pixels:
    """Read a mask file as it stands: uint8 (H, W), grey levels untouched.

    Raises:
        MaskError: If the file is no 8-bit single-channel image.
        IoFault: If the file cannot be opened.
    """
    pixels, mode = _decode(path, MaskError, deep=False)
    if mode not in ("1", "L", "P"):
        raise MaskError(
            f"The mask {path} is {_MODE_NAMES.get(mode, f'of mode {mode}')}; expected one 8-bit channel.",
            remedy="Save the mask as an 8-bit grey PNG with 0 for background and 255 for defect.",
        )
    return pixels


def write_png(path: Path, pixels: Frame) -> None:
    """Write uint8 (H, W) or (H, W, 3), or uint16 (H, W), as PNG, under a temporary name first.

    Raises:
        IoFault: If the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        _pillow().fromarray(pixels).save(temporary, format="PNG")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise IoFault(f"{path} cannot be written: {error.strerror or error}.") from error


_MODE_NAMES = {
    "RGBA": "an image with an alpha channel (RGBA)",
    "LA": "an image with an alpha channel (LA)",
    "I;16": "a 16-bit image",
    "I;16B": "a 16-bit image",
    "I;16L": "a 16-bit image",
    "I": "a 32-bit image",
    "F": "a floating-point image",
    "P": "a palette image",
    "RGB": "an RGB image",
    "CMYK": "a CMYK image",
}


def _decode(path: Path, refusal: type[EdgekitError], *, deep: bool) -> tuple[npt.NDArray[Any], str]:
    pillow = _pillow()
    try:
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of sizes that the check below refuses
            with pillow.open(stream, formats=FORMATS) as image:
                _check_size(path, image, refusal)
                _check_nothing_is_dropped(path, image, refusal, deep=deep)
                mode: str = image.mode
                pixels = np.asarray(image.convert("L") if mode == "1" else image)
                # NumPy's own order of bytes, whatever the file's.
                pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    except FileNotFoundError as error:
        raise refusal(f"There is no file {path}.", remedy="Check the path.") from error
    except IsADirectoryError as error:
        raise refusal(f"{path} is a folder; expected an image file.", remedy="Name the images.") from error
    except pillow.DecompressionBombError as error:
        raise _too_large(path, "too many", refusal) from error
    except pillow.UnidentifiedImageError as error:
        raise refusal(
            f"{path} is no image that edgekit reads ({', '.join(FORMATS)}).",
            remedy="Open it in a viewer: the file is damaged or not an image.",
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise IoFault(f"{path} cannot be read: {error.strerror}.") from error
        raise refusal(
            f"{path} cannot be read as an image: {_one_line(error)}.",
            remedy="Open it in a viewer: the file is damaged or not an image.",
        ) from error
    return np.ascontiguousarray(pixels), mode


def _check_size(path: Path, image: Any, refusal: type[EdgekitError]) -> None:
    width, height = image.size
    if width * height > LARGEST_PIXELS:
        raise _too_large(path, f"{width}×{height}", refusal)


def _too_large(path: Path, size: str, refusal: type[EdgekitError]) -> EdgekitError:
    return refusal(
        f"{path} has {size} pixels; edgekit reads at most {LARGEST_PIXELS:,}.",
        remedy="Cut the image into tiles.",
    )


def _check_nothing_is_dropped(path: Path, image: Any, refusal: type[EdgekitError], *, deep: bool) -> None:
    """Refuse what Pillow would leave out without a word: low bits, transparency, further pictures."""
    dropped = None
    if image.mode == "RGB" and any(_is_16_bit(tile[3]) for tile in image.tile):
        dropped = "16 bits per colour, of which Pillow reads 8"
    elif "transparency" in image.info:
        dropped = "a transparent colour"
    elif image.format == "TIFF" and getattr(image, "n_frames", 1) > 1:
        dropped = f"{image.n_frames} pages"
    elif image.getexif().get(EXIF_ORIENTATION, UPRIGHT) != UPRIGHT:
        dropped = "an EXIF rotation"
    if dropped is not None:
        depth = "16-bit" if deep else "8-bit"
        raise refusal(
            f"{path} has {dropped}; expected one upright {depth} image without transparency.",
            remedy=f"Convert it to upright {depth} grey without alpha, with a scale you choose: edgekit guesses none.",
        )


def _is_16_bit(decoder_arguments: Any) -> bool:
    """Tell from Pillow's raw mode, such as "RGB;16B", what the file holds; the image's own mode says 8-bit RGB."""
    first = decoder_arguments if isinstance(decoder_arguments, str) else (*(decoder_arguments or ()), "")[0]
    return ";16" in str(first)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
