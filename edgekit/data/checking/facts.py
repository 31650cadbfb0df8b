"""What one look at an image gives; nothing of it needs the pixels again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.data.contract import Dataset, Item, Mask, Sample, digest_parts
from edgekit.media.images import read_mask
from edgekit_runtime.errors import EdgekitError
from edgekit_runtime.pixels import Frame
from edgekit_runtime.regions import find_regions


@dataclass(frozen=True)
class MaskLevels:
    """Grey levels of a mask file, and what loading made of them.

    Attributes:
        lost_share: Share of its pixels that differ from the commonest level of their class: 0 where every class has
            one level. The rule needs to know nothing of the layout.
        background_to: The highest level that was taken for background; None where nothing was.
        defect_from: The lowest level that was taken for a defect; None where nothing was.
    """

    lost_share: float
    background_to: int | None
    defect_from: int | None


@dataclass(frozen=True)
class ImageFacts:
    """What is known of one image that could be read.

    Attributes:
        index: Where the image stands in the dataset.
        item: Its item.
        height: In pixels.
        width: In pixels.
        channels: 1 or 3.
        label: Name of the image's class; None where it has none.
        called: What the image is called: its class, or else the kinds that the dataset names, or else whether it is
            defective; "" where nothing says.
        kinds: Kinds of defect that it is called after or that its mask shows, sorted.
        shares: Share of its pixels per kind that the mask shows, in 0…1; None where there is no mask.
        areas_px: Areas of the connected regions per kind that the mask shows.
        mean: Mean grey level, 0…255 for images of 8 bits.
        std: Standard deviation of the grey levels.
        content: sha256 of the pixels: equal for exact duplicates.
        truth: sha256 of the mask, the class and the kinds: what a network is taught about the image.
        mask_levels: Grey levels of the mask file; None where there is none, or it has another form than the mask.
    """

    index: int
    item: Item
    height: int
    width: int
    channels: int
    label: str | None
    called: str
    kinds: tuple[str, ...]
    shares: Mapping[str, float] | None
    areas_px: Mapping[str, tuple[int, ...]]
    mean: float
    std: float
    content: str
    truth: str
    mask_levels: MaskLevels | None

    @property
    def name(self) -> str:
        """The item's name."""
        return self.item.name

    @property
    def defect_share(self) -> float | None:
        """Share of defective pixels of any kind, in 0…1; None where there is no mask."""
        return None if self.shares is None else sum(self.shares.values())

    @property
    def defective(self) -> bool | None:
        """Whether the image shows a defect by its name or else its mask; None where neither tells."""
        if self.item.defective is not None:
            return self.item.defective
        return None if self.shares is None else bool(self.shares)


def measure_image(dataset: Dataset, index: int) -> ImageFacts:
    """Load one image and measure it.

    Raises:
        UnusableInput: If the image or its mask cannot be used.
        IoFault: If a file cannot be read.
    """
    sample = dataset.load(index)
    height, width = sample.image.shape[:2]
    names = _name_values(dataset.classes, sample)
    shares, areas = _measure_mask(sample.mask, names)
    item = dataset.items[index]
    return ImageFacts(
        index=index,
        item=item,
        height=height,
        width=width,
        channels=1 if sample.image.ndim == 2 else sample.image.shape[2],
        label=None if item.label is None else dataset.labels[item.label],
        called=_get_call(dataset, item, sample),
        kinds=tuple(sorted({*sample.kinds, *(shares or ())})),
        shares=shares,
        areas_px=areas,
        mean=float(sample.image.mean()),
        std=float(sample.image.std()),
        content=_digest_pixels(sample.image),
        truth=digest_parts(
            sample.kinds,
            item.label,
            "no mask" if sample.mask is None else _digest_pixels(sample.mask),
        ),
        mask_levels=_measure_levels(dataset, index, sample.mask),
    )


def _get_call(dataset: Dataset, item: Item, sample: Sample) -> str:
    if item.label is not None:
        return dataset.labels[item.label]
    return " and ".join(sample.kinds) or {True: "defective", False: "defect-free", None: ""}[item.defective]


def _name_values(classes: Sequence[str], sample: Sample) -> Sequence[str]:
    """Return names by mask value; where the mask knows "defect" alone, an image's one kind is more telling."""
    if len(classes) == 2 and len(sample.kinds) == 1:
        return (classes[0], sample.kinds[0])
    return classes


def _measure_mask(
    mask: Mask | None, names: Sequence[str]
) -> tuple[dict[str, float] | None, dict[str, tuple[int, ...]]]:
    if mask is None or not names:
        return None, {}
    counts = np.bincount(mask.reshape(-1), minlength=1)
    shares = {
        names[value]: int(counts[value]) / mask.size for value in np.flatnonzero(counts).tolist() if value
    }
    areas: dict[str, list[int]] = {name: [] for name in shares}
    for area, value in find_regions(mask)[:, 4:].tolist():
        areas[names[value]].append(area)
    return shares, {name: tuple(found) for name, found in areas.items()}


def _digest_pixels(image: Frame) -> str:
    return hashlib.sha256(str(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def _measure_levels(dataset: Dataset, index: int, mask: Mask | None) -> MaskLevels | None:
    path = dataset.mask_file(index)
    if path is None or mask is None:
        return None
    try:
        levels = read_mask(path)
    except EdgekitError:
        return None  # a file in colours, which the layout reads in its own way
    if levels.shape != mask.shape:
        return None  # the layout cuts or joins it
    values = (mask.reshape(-1).astype(np.intp) << 8) + levels.reshape(-1)
    counts = np.bincount(values, minlength=256 * (int(mask.max()) + 1)).reshape(-1, 256)
    background, defect = np.flatnonzero(counts[0]), np.flatnonzero(counts[1:].sum(axis=0))
    return MaskLevels(
        lost_share=float(1 - counts.max(axis=1).sum() / mask.size),
        background_to=int(background[-1]) if len(background) else None,
        defect_from=int(defect[0]) if len(defect) else None,
    )
