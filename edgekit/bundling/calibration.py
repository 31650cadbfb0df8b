"""Images that int8 ranges are measured on. They need no masks: a folder of frames from the line will do."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import overload

from edgekit.bundling.cutting import choose_part
from edgekit.bundling.samples import find_training_data, fits_frame
from edgekit.checkpoints.format import Checkpoint
from edgekit.data import Dataset, OpenOptions
from edgekit.data.file_digests import digest_file
from edgekit.data.generated_depth import find_generator, set_depth
from edgekit.data.opening import open_dataset
from edgekit.data.splitting.parts import open_part
from edgekit.data.splitting.splits import split_dataset
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit.data.views import view_for
from edgekit.evaluation.predictors import fit_frame
from edgekit.media.images import list_images, read_image
from edgekit.models import MODELS
from edgekit_runtime.bundle.contract import Fit, PixelFormat
from edgekit_runtime.errors import DatasetError, UsageProblem
from edgekit_runtime.padding import pad_frame
from edgekit_runtime.pixels import Frame

MOST_IMAGES = 64
"""Spread over the whole set: ranges settle within a few dozen images, and each one costs a run of the network."""

MOST_READ = 256
"""Images that are looked at for their size."""

REMEDY = "Name images of your line with --calibrate-on FOLDER; they need no masks."


@dataclass(frozen=True, eq=False)
class CalibrationImages(Sequence[Frame]):
    """Frames of the bundle's size, read when they are asked for.

    Attributes:
        name: What the data call themselves.
        source: Where images come from: a dataset, or files.
        chosen: Their numbers there.
        pixels: What the network's frames are.
        size: (height, width) of the frames; smaller images are padded, of larger ones the tile in the middle is taken.
    """

    name: str
    source: Dataset | tuple[Path, ...]
    chosen: tuple[int, ...]
    pixels: PixelFormat
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.chosen)

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Frame]: ...
    def __getitem__(self, index: int | slice) -> Frame | Sequence[Frame]:
        if isinstance(index, slice):
            return [self[number] for number in range(len(self))[index]]
        image = _read(self.source, self.chosen[index], self.pixels)
        part = choose_part(image.shape, self.size)
        return pad_frame(fit_frame(image[part], self.pixels), self.size)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the names and contents of the chosen images, whatever their order and place."""
        if isinstance(self.source, Dataset):
            items = [(self.source.items[index].name, self.source.digest(index)) for index in self.chosen]
        else:
            items = [(self.source[index].name, digest_file(self.source[index])) for index in self.chosen]
        lines = sorted(f"{name} {digest}" for name, digest in items)
        return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def choose_calibration(
    record: Checkpoint, source: str | None, size: tuple[int, int], fit: Fit = "pad"
) -> CalibrationImages:
    """Return up to 64 images to calibrate on.

    Of the data that the network was trained on it is the training part: the others judge the result.

    Args:
        record: Of the weights.
        source: A folder, with masks or without, or synthetic:NAME; None takes the data of the training.
        size: (height, width) of the bundle's frames.
        fit: Of the bundle; where it is "tile", larger images are cut.

    Raises:
        UsageProblem: If no source is named and the data of the training are not there.
        DatasetError: If there are no images, or none of the bundle's size.
    """
    text = source or find_training_data(record)
    if text is None:
        raise UsageProblem(
            "int8 is calibrated on images, and those of the training are not there.", remedy=REMEDY
        )
    found, name = _open(text, record, size)
    pixels = record.pixels
    shapes = {index: _read(found, index, pixels).shape for index in _spread(range(len(found)), MOST_READ)}
    fitting = [index for index, shape in shapes.items() if fits_frame(shape, size, fit)]
    if not fitting:
        height, width = next(iter(shapes.values()))[:2]
        raise DatasetError(
            f"None of the {len(shapes)} images of {name} fits the bundle's {size[0]}×{size[1]} pixels; "
            f"the first one has {height}×{width}.",
            remedy="Calibrate on images of the size that the line delivers, or export with another --size.",
        )
    return CalibrationImages(name, found, tuple(_spread(fitting, MOST_IMAGES)), pixels, size)


def _spread(items: Sequence[int], most: int) -> list[int]:
    count = min(most, len(items))
    return [items[number * len(items) // count] for number in range(count)]


def _open(text: str, record: Checkpoint, size: tuple[int, int]) -> tuple[Dataset | tuple[Path, ...], str]:
    try:
        dataset = open_dataset(text, OpenOptions(pixels=record.pixels))
    except DatasetError:
        folder = Path(text)
        if not folder.is_dir():
            raise
        return tuple(list_images([folder])), folder.name
    generator = find_generator(dataset)
    if isinstance(generator, SyntheticDagm) and dataset.load(0).image.shape != size:
        generated = set_depth(SyntheticDagm(generator.kinds, size=size), record.pixels)
        return split_dataset(generated).subset(generated, "train"), generated.name
    part = _take_training_part(text, dataset, record)
    if not len(part):
        raise DatasetError(f"{part.name} holds no image to calibrate on.", remedy=REMEDY)
    return part, part.name


def _take_training_part(text: str, dataset: Dataset, record: Checkpoint) -> Dataset:
    """Return the training part where these are the data of the training, and else all of them."""
    task = MODELS.get(record.model).task
    view = partial(view_for, task=task, classes=len(record.classes))
    try:
        options = OpenOptions(pixels=record.pixels)
        return open_part(
            text, trained_on=record.data, part=None, options=options, view=view, default="train"
        ).dataset
    except DatasetError:  # images without masks or classes, or others under the name of those of the training
        return dataset


def _read(source: Dataset | tuple[Path, ...], index: int, pixels: PixelFormat) -> Frame:
    if isinstance(source, Dataset):
        return source.load(index).image
    return read_image(source[index], pixels, channels="grey" if pixels.channels == "grey" else "rgb")
