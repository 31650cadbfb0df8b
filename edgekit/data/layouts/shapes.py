"""Where the regions of an annotated image are: polygons, boxes, circles, run lengths; drawn when a sample is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edgekit.data.contract import Mask
from edgekit.data.layouts.polygons import Box, Points, fill_box, fill_circle, fill_polygon
from edgekit.data.layouts.run_lengths import decode_counts
from edgekit_runtime.errors import DatasetError


class Shape(Protocol):
    """Where a region is; `describe` is what its digest is made of."""

    def fill(self, mask: Mask, value: int) -> None:
        """Set the region's pixels of a mask, in place."""

    def describe(self) -> str:
        """Return the shape as text that changes when the shape does."""


@dataclass(frozen=True, eq=False)
class PolygonShape:
    """Polygons whose union is the region.

    Attributes:
        polygons: Corners of each, float64 (N, 2), each (x, y).
        normalised: Whether 1 is the image's width and height; else they are pixels.
    """

    polygons: tuple[Points, ...]
    normalised: bool = False

    def fill(self, mask: Mask, value: int) -> None:
        """Set the region's pixels, in place."""
        height, width = mask.shape
        for points in self.polygons:
            fill_polygon(mask, points * (width, height) if self.normalised else points, value)

    def describe(self) -> str:
        """Return the corners."""
        return f"polygons {self.normalised} {[points.tolist() for points in self.polygons]}"


@dataclass(frozen=True)
class BoxShape:
    """A box (left, top, right, bottom), normalised or in pixels."""

    box: Box
    normalised: bool = False

    def fill(self, mask: Mask, value: int) -> None:
        """Set the region's pixels, in place."""
        height, width = mask.shape if self.normalised else (1, 1)
        left, top, right, bottom = self.box
        fill_box(mask, (left * width, top * height, right * width, bottom * height), value)

    def describe(self) -> str:
        """Return the edges."""
        return f"box {self.normalised} {self.box}"


@dataclass(frozen=True)
class CircleShape:
    """A circle around a centre (x, y), in pixels."""

    centre: tuple[float, float]
    radius: float

    def fill(self, mask: Mask, value: int) -> None:
        """Set the region's pixels, in place."""
        fill_circle(mask, self.centre, self.radius, value)

    def describe(self) -> str:
        """Return centre and radius."""
        return f"circle {self.centre} {self.radius}"


@dataclass(frozen=True)
class RunLengthShape:
    """COCO's run lengths for an image of height × width pixels."""

    counts: tuple[int, ...]
    height: int
    width: int

    def fill(self, mask: Mask, value: int) -> None:
        """Set the region's pixels, in place.

        Raises:
            DatasetError: If the run lengths are those of another size, or damaged.
        """
        # Compared before anything is decoded: the file's claim must not decide how much memory is taken.
        if mask.shape != (self.height, self.width):
            raise DatasetError(
                f"run lengths are those of {self.height} × {self.width} pixels, the image has "
                f"{mask.shape[0]} × {mask.shape[1]}"
            )
        mask[decode_counts(self.counts, self.height, self.width)] = value

    def describe(self) -> str:
        """Return size and counts."""
        return f"runs {self.height} {self.width} {self.counts}"
