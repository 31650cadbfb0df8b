"""Datasets seen differently: every kind of defect as one class, or one class per image from masks that tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.data.contract import Dataset, Sample, View, digest_parts
from edgekit_runtime.bundle.manifest import Task
from edgekit_runtime.errors import DatasetError

MERGED = ("background", "defect")
NORMAL, DEFECTIVE = "normal", "defective"


class MergedClasses(View):
    """A dataset whose kinds of defect are one class, "defect"; samples still say which kinds they show."""

    def __init__(self, source: Dataset) -> None:
        super().__init__(source)
        self.classes = MERGED

    def load(self, index: int) -> Sample:
        """Return the source's sample with a mask of 0 and 1."""
        sample = self.source.load(index)
        return Sample(sample.name, sample.image, (sample.known_mask > 0).astype(np.uint8), sample.kinds)


class NormalOrDefective(View):
    """A dataset whose images have the class "normal" or "defective".

    Raises:
        DatasetError: If an image does not say without its mask whether it shows a defect.
    """

    def __init__(self, source: Dataset) -> None:
        super().__init__(source)
        unknown = [item.name for item in source.items if item.defective is None]
        if unknown:
            raise DatasetError(
                f"{source.name} names no class per image, such as that of {unknown[0]}.",
                remedy="A classifier needs a folder per class, or a layout that says which images are defective.",
            )
        self.labels = (NORMAL, DEFECTIVE)
        self.normal_label = NORMAL
        self.items = tuple(replace(item, label=int(bool(item.defective))) for item in source.items)

    def digest(self, index: int) -> str:
        """Return a hash of the source's digest and the class."""
        return digest_parts(self.source.digest(index), self.items[index].label)


def merge_classes(dataset: Dataset) -> Dataset:
    """Return the dataset with one class of defect, which it may have already.

    Raises:
        DatasetError: If it has no masks.
    """
    if not dataset.classes:
        raise DatasetError(
            f"{dataset.name} has no pixel masks.",
            remedy=dataset.mask_remedy
            or "Segmentation needs masks; a classifier takes these data (`edgekit models` lists them).",
        )
    return dataset if dataset.classes == MERGED else MergedClasses(dataset)


def view_for(dataset: Dataset, *, task: Task, classes: int) -> Dataset:
    """Return data as a network knows them; training, evaluation and export all ask here.

    A classifier sees one class per image. A segmenting network sees the data's own classes where their number is its
    own, and else every kind of defect as one class.

    Args:
        dataset: The data as they were opened.
        task: What the network answers.
        classes: How many classes a segmenting network answers, the background among them.

    Raises:
        DatasetError: If they have no masks, or no class per image, and the network needs just that.
    """
    if task == "classify":
        return label_images(dataset)
    return dataset if len(dataset.classes) == classes else merge_classes(dataset)


def label_images(dataset: Dataset) -> Dataset:
    """Return the dataset with a class per image, which it may have already.

    Raises:
        DatasetError: If nothing says which class an image has.
    """
    return dataset if dataset.labels else NormalOrDefective(dataset)
