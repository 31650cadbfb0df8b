"""Reading boxes from Pascal VOC annotations, as from a stranger: no DOCTYPE, no huge file, no box outside.

VOC counts pixels from 1 and its boxes hold their last row and column: (1, 1, 200, 200) is all of a 200×200 image.
NEU-DET does likewise: its 3317 boxes begin at 1 or later and end at 200 or earlier. (It never uses 0; 408 boxes end
at 200.)

Source: M. Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 88, 2010, development kit.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.data.contract import Mask
from edgekit_runtime.errors import DatasetError, IoFault, MaskError

LARGEST_BYTES = 4_000_000
"""Larger annotations are refused before they are parsed; VOC 2012 has none above 20 kB."""


@dataclass(frozen=True)
class Box:
    """One object: its kind, and its box in pixels counted from 0, right and bottom exclusive."""

    kind: str
    left: int
    top: int
    right: int
    bottom: int

    @property
    def area_px(self) -> int:
        """How many pixels the box holds."""
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True)
class Annotation:
    """The boxes of one image, and its size (height, width) where the file says it."""

    path: Path
    boxes: tuple[Box, ...]
    shape: tuple[int, int] | None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that the boxes name, sorted."""
        return tuple(sorted({box.kind for box in self.boxes}))

    def require_fit(self, shape: tuple[int, ...]) -> None:
        """Refuse an image of a size that the annotation does not mean.

        Args:
            shape: (H, W) of the image.

        Raises:
            MaskError: If the sizes differ, or a box is not inside the image.
        """
        if self.shape is not None and self.shape != shape:
            raise MaskError(
                f"{self.path} is for an image of {self.shape}, its image is {shape} (height, width).",
                remedy="Restore the image at the size at which its boxes were drawn.",
            )
        for box in self.boxes:
            if box.bottom > shape[0] or box.right > shape[1]:
                raise MaskError(
                    f"{self.path} has the box {describe_box(box)}; its image is {shape} (height, width).",
                    remedy="Mend the box: it must lie within the image.",
                )


def describe_box(box: Box) -> str:
    """Return a box as the file has it."""
    return f"{box.kind} (xmin {box.left + 1}, ymin {box.top + 1}, xmax {box.right}, ymax {box.bottom})"


def read_annotation(path: Path) -> Annotation:
    """Read one annotation.

    Raises:
        DatasetError: If the file is too large, has a DOCTYPE, is no VOC annotation, or has a box that is empty or
            outside the image.
        IoFault: If it cannot be opened.
    """
    root = _parse(path)
    if root.tag != "annotation":
        raise _refuse(path, f"its root is <{root.tag}>, not <annotation>")
    size = root.find("size")
    shape = None
    if size is not None:
        shape = _read_whole(path, size, "height"), _read_whole(path, size, "width")
    annotation = Annotation(path, tuple(_read_box(path, entry) for entry in root.findall("object")), shape)
    if shape is not None:
        annotation.require_fit(shape)
    return annotation


def fill_boxes(boxes: Sequence[Box], shape: tuple[int, int], values: Mapping[str, int]) -> Mask:
    """Return a mask whose boxes are filled.

    Where boxes overlap the smaller one is on top, of equally large ones the later: a scratch on a patch stays visible.

    Args:
        boxes: The boxes, all within the image.
        shape: (H, W) of the image.
        values: The mask value of each kind.
    """
    mask = np.zeros(shape, np.uint8)
    for box in sorted(boxes, key=lambda box: -box.area_px):
        mask[box.top : box.bottom, box.left : box.right] = values[box.kind]
    return mask


class _NoDoctype(ET.TreeBuilder):
    """Refuses a DOCTYPE where it begins, before an entity of it can be expanded or fetched."""

    def doctype(self, name: str, *_: str | None) -> None:
        raise ET.ParseError(f"a DOCTYPE ({name}) is not allowed")


def _parse(path: Path) -> ET.Element:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise IoFault(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > LARGEST_BYTES:
        raise _refuse(path, f"it has more than {LARGEST_BYTES:,} bytes")
    try:
        return ET.fromstring(content, ET.XMLParser(target=_NoDoctype()))  # noqa: S314 - see _NoDoctype
    except (ET.ParseError, ValueError, LookupError) as error:  # the latter two: unknown encodings
        raise _refuse(path, str(error)) from error


def _read_box(path: Path, entry: ET.Element) -> Box:
    kind = (entry.findtext("name") or "").strip()
    corners = entry.find("bndbox")
    if not kind or corners is None:
        raise _refuse(path, "an <object> lacks its <name> or <bndbox>")
    left, top, right, bottom = (_read_whole(path, corners, tag) for tag in ("xmin", "ymin", "xmax", "ymax"))
    box = Box(kind, left - 1, top - 1, right, bottom)
    if left >= right or top >= bottom:
        raise DatasetError(
            f"{path} has the box {describe_box(box)}, which is empty or turned round.",
            remedy="Mend or delete the box: xmin must be below xmax, and ymin below ymax.",
        )
    if left < 1 or top < 1:
        raise DatasetError(
            f"{path} has the box {describe_box(box)}, which begins outside the image.",
            remedy="VOC counts pixels from 1: if your tool counts from 0, add 1 to the four numbers of every box.",
        )
    return box


def _read_whole(path: Path, parent: ET.Element, tag: str) -> int:
    text = (parent.findtext(tag) or "").strip()
    try:
        value = float(text)
        if value != int(value):
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise _refuse(path, f"<{tag}> of <{parent.tag}> is {text[:40]!r}, not a whole number") from error
    return int(value)


def _refuse(path: Path, reason: str) -> DatasetError:
    return DatasetError(
        f"{path} is no VOC annotation that edgekit reads: {reason}.",
        remedy="Open it in an editor; expected <annotation> with <object>, <name> and <bndbox> of whole pixels.",
    )
