"""Pictures in memory for tests of copies: drawn, turned, re-encoded, and held by a dataset."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from edgekit.data import Dataset, Item, Sample
from edgekit.data.contract import digest_parts


@dataclass(frozen=True, eq=False)
class Picture:
    """An image with what its item says; the group is the name where none is given."""

    name: str
    image: np.ndarray
    group: str = ""
    stratum: str = "all"


class PicturesInMemory(Dataset):
    """Pictures as a dataset with empty masks."""

    name = "pictures"
    classes = ("background", "defect")

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self.pictures = list(pictures)
        self.reads = 0
        self.items = tuple(Item(p.name, p.group or p.name, p.stratum, defective=None) for p in pictures)

    def load(self, index: int) -> Sample:
        self.reads += 1
        image = self.pictures[index].image
        return Sample(self.pictures[index].name, image, np.zeros(image.shape[:2], np.uint8))

    def digest(self, index: int) -> str:
        image = self.pictures[index].image
        return digest_parts(image.shape, hashlib.sha256(np.ascontiguousarray(image)).hexdigest())


def draw_picture(seed: int, size: tuple[int, int] = (48, 60)) -> np.ndarray:
    """Return an uneven grey surface with coarse and fine structure, uint8 (H, W)."""
    generator = np.random.default_rng([11, seed])
    surface = np.full(size, 120.0)
    for side, contrast in ((4, 25), (9, 15), (20, 12)):
        coarse = generator.normal(0, contrast, (side, side)).astype(np.float32)
        surface += np.asarray(Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC))
    return np.clip(surface + generator.normal(0, 2, size), 0, 255).astype(np.uint8)


def draw_part(seed: int, side: int = 128) -> np.ndarray:
    """Return one and the same part in a fixture, with texture and noise of its own, uint8 (side, side)."""
    generator = np.random.default_rng([13, seed])
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius = np.hypot(x, y) / side
    part = np.where(radius < 0.42, 170.0, 40.0)
    part[radius < 0.25] = 60
    part[(abs(x) < 4) & (y < 0) & (radius < 0.42)] = 25
    part[np.hypot(x - 30, y - 20) < 8] = 220
    coarse = generator.normal(0, 4, (side // 4, side // 4)).astype(np.float32)
    texture = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))
    return np.clip(part + texture + generator.normal(0, 2, part.shape), 0, 255).astype(np.uint8)


def encode_jpeg(image: np.ndarray, quality: int = 75) -> np.ndarray:
    """Return what is left of an image after JPEG."""
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def turn(image: np.ndarray, way: int) -> np.ndarray:
    """Return an image in one of eight orientations: mirrored left to right from 4 on, then turned counter-clockwise."""
    return np.ascontiguousarray(np.rot90(image[:, ::-1] if way >= 4 else image, way % 4))
