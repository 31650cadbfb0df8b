"""Image files and mask files of a folder layout: indexed by name, matched with each other, read as 0 and 1."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np

from edgekit.data.contract import Mask
from edgekit.media.images import Pixels, is_image_file, read_image, read_mask
from edgekit_runtime.errors import DatasetError, FrameError, MaskError


def list_image_files(folder: Path) -> list[Path]:
    """Return the image files that lie directly in a folder, by name; [] where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if is_image_file(path))


def list_folders(folder: Path) -> list[Path]:
    """Return the folders that lie directly in a folder, by name, without hidden ones; [] where there is none."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def index_by_stem(paths: Iterable[Path], *, ending: str = "") -> dict[str, Path]:
    """Return files by their name without suffix and without `ending`, where they end so.

    Raises:
        DatasetError: If two files have one name.
    """
    found: dict[str, Path] = {}
    for path in paths:
        stem = path.stem.removesuffix(ending)
        if stem in found:
            raise DatasetError(
                f"{path.name} and {found[stem].name} in {path.parent} share a name.",
                remedy="Take one of them out, or rename it: an image and its mask are matched by name.",
            )
        found[stem] = path
    return found


def require_pairs(images: Mapping[str, Path], masks: Mapping[str, Path], *, mask_name: str) -> None:
    """Refuse images without a mask, and masks without an image: either may be a slip of copying.

    Args:
        images: By stem.
        masks: By the stem of their image.
        mask_name: How the file of a missing mask would be called, with {stem}, such as "{stem}_label.bmp".

    Raises:
        DatasetError: If one lacks the other.
    """
    missing = sorted(set(images) - set(masks))
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(images)} images have no mask, such as {images[missing[0]]}.",
            # Not `format`: folders may have braces in their names.
            remedy=f"Add {mask_name.replace('{stem}', missing[0])}, or take the image out: without a mask, a defect "
            "would count as background.",
        )
    orphans = sorted(set(masks) - set(images))
    if orphans:
        raise DatasetError(
            f"{len(orphans)} of {len(masks)} masks have no image, such as {masks[orphans[0]]}.",
            remedy="Add the images, or take these masks out: a lost image must not go unnoticed.",
        )


def read_black_and_white(path: Path) -> Pixels:
    """Read a mask of a published set: uint8 (H, W), grey levels as they stand.

    Publications say that their masks are black and white, not how the file stores that. Besides what `read_mask`
    takes, RGB with three equal channels is taken; nothing is lost by it.

    Raises:
        MaskError: If the file is no 8-bit image without colour and transparency.
        IoFault: If the file cannot be opened.
    """
    try:
        return read_mask(path)
    except MaskError as refusal:
        try:
            return read_image(path).astype(np.uint8, copy=False)
        except FrameError:
            raise refusal from None


def read_sized_mask(path: Path, shape: tuple[int, ...]) -> Pixels:
    """Read a mask as `read_black_and_white` does, and require its image's size.

    Args:
        path: The mask's file.
        shape: Height and width of its image.

    Raises:
        MaskError: If the file is no mask, or has another size than its image.
        IoFault: If the file cannot be opened.
    """
    pixels = read_black_and_white(path)
    require_shape(path, pixels, shape)
    return pixels


def require_shape(path: Path, mask: Pixels, shape: tuple[int, ...]) -> None:
    """Refuse a mask of another size than its image.

    Raises:
        MaskError: If their height and width differ.
    """
    if mask.shape != shape:
        raise MaskError(
            f"The mask {path} is {mask.shape}, its image {shape} (height, width).",
            remedy="Save the mask at the image's size.",
        )


def read_defect_mask(
    path: Path, shape: tuple[int, ...], *, defect_values: Collection[int] | None = None
) -> Mask:
    """Read where a mask marks a defect: uint8 (H, W), 0 or 1.

    Args:
        path: The mask's file.
        shape: Height and width of its image.
        defect_values: The values that mean defect, all others but 0 being unknown; None takes every value above 0.

    Raises:
        MaskError: If the file is no mask, has another size than its image or holds an unknown value.
        IoFault: If the file cannot be opened.
    """
    pixels = read_sized_mask(path, shape)
    if defect_values is not None:
        _require_known_values(path, pixels, defect_values)
    return (pixels > 0).astype(np.uint8)


def _require_known_values(path: Path, pixels: Pixels, known: Collection[int]) -> None:
    unknown = [int(value) for value in np.unique(pixels) if value != 0 and value not in known]
    if unknown:
        raise MaskError(
            f"The mask {path} holds the value{'s' * (len(unknown) > 1)} {', '.join(map(str, unknown[:5]))}; "
            f"expected 0 for background and {' or '.join(map(str, sorted(known)))} for defect.",
            remedy="Save it as a lossless black-and-white PNG: JPEG and smoothing make grey values.",
        )
