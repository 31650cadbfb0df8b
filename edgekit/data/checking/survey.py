"""One pass over a dataset: what could be read with its figures, what could not with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.data.checking.facts import ImageFacts, measure_image
from edgekit.data.checking.similarity import Similarity, compare_images
from edgekit.data.contract import Dataset
from edgekit.reporting import Reporter
from edgekit_runtime.errors import DepthError, IoFault, UnusableInput


@dataclass(frozen=True)
class Unreadable:
    """An image that cannot be used, and why.

    Attributes:
        name: The image's name.
        reason: Why, in a sentence.
        bits: Where its file has another depth than was stated: bits that its values need at least.
    """

    name: str
    reason: str
    bits: int | None = None


@dataclass(frozen=True)
class Survey:
    """What a pass over a dataset found.

    Attributes:
        name: The dataset's name.
        layout: Which layout was found, in words; "" where none was.
        classes: Names by mask value; () where there are no masks.
        labels: Names of the images' classes; () where there are none.
        normal_label: The one of `labels` that means defect-free; None where there is none.
        bits: Stated depth of the images.
        images: Facts of every image that could be read, in the dataset's order.
        unreadable: The others.
        similarity: Pictures that are there twice, and leaks between the dataset's own parts.
    """

    name: str
    layout: str
    classes: tuple[str, ...]
    labels: tuple[str, ...]
    normal_label: str | None
    bits: int
    images: tuple[ImageFacts, ...]
    unreadable: tuple[Unreadable, ...]
    similarity: Similarity


def survey_dataset(dataset: Dataset, *, compare: bool = True, reporter: Reporter) -> Survey:
    """Look at every image once; one that cannot be read does not stop the pass.

    Args:
        dataset: What to look at.
        compare: Look for images that show nearly the same picture, which takes most of the time of large sets.
        reporter: Where progress goes.
    """
    images: list[ImageFacts] = []
    unreadable: list[Unreadable] = []
    with reporter.progress(f"checking {dataset.name}", len(dataset)) as advance:
        for index, item in enumerate(dataset.items):
            try:
                images.append(measure_image(dataset, index))
            except (UnusableInput, IoFault) as error:
                bits = error.bits if isinstance(error, DepthError) else None
                unreadable.append(Unreadable(item.name, error.message, bits))
            advance()
    compare = compare and dataset.may_hold_duplicates
    similarity = compare_images(dataset, images, pictures=compare, reporter=reporter)
    return Survey(
        dataset.name,
        dataset.layout,
        dataset.classes,
        dataset.labels,
        dataset.normal_label,
        dataset.pixels.bits,
        tuple(images),
        tuple(unreadable),
        similarity,
    )
