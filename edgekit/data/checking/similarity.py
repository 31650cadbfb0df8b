"""Pictures that are there twice or nearly so, and what a dataset's own parts share, by the names of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgekit.data.checking.facts import ImageFacts
from edgekit.data.contract import Dataset, Subset
from edgekit.data.splitting.duplicates import Duplicate, find_near_duplicates
from edgekit.data.splitting.leaks import find_leaks, given_parts
from edgekit.reporting import Reporter


@dataclass(frozen=True)
class SimilarPair:
    """Two images that show one picture.

    Attributes:
        first: Name of an image.
        second: Name of a later one.
        correlation: Of the small pictures, 0…1.
        orientation: What turns the first into the second, in words.
        exact: Whether every pixel is equal as they stand.
        same_group: Whether the two are in one group already, so that no split parts them.
    """

    first: str
    second: str
    correlation: float
    orientation: str
    exact: bool
    same_group: bool


@dataclass(frozen=True)
class SharedImage:
    """An image of one of the dataset's own parts that another part shows too.

    Attributes:
        image: Its name.
        part: Its part.
        other: Name of the most alike image of the other part.
        other_part: The other part, which comes first in train, val, test.
        copy: Whether the two show one picture; if not, they are of one group only.
    """

    image: str
    part: str
    other: str
    other_part: str
    copy: bool


@dataclass(frozen=True)
class Similarity:
    """What the comparison of images found.

    Attributes:
        pairs: Images that show one picture; None where pictures were not compared.
        parts: Number of images by part, where the names of images give parts.
        shared: What these parts share; by groups alone where pictures were not compared.
    """

    pairs: tuple[SimilarPair, ...] | None = None
    parts: Mapping[str, int] | None = None
    shared: tuple[SharedImage, ...] = ()


def compare_images(
    dataset: Dataset, images: Sequence[ImageFacts], *, pictures: bool, reporter: Reporter
) -> Similarity:
    """Look for pictures that are there twice, and for leaks between the parts that the names of images give.

    Args:
        dataset: Where the images are loaded from.
        images: Those that can be read.
        pictures: Compare the pictures too, not only the groups.
        reporter: Where progress goes.

    Raises:
        UnusableInput: If an image can no longer be read.
    """
    readable = Subset(dataset, [image.index for image in images])
    found = find_near_duplicates(readable, reporter=reporter) if pictures else ()
    parts = given_parts(readable)
    leaks = find_leaks(readable, parts, found=found, reporter=reporter) if parts else ()
    names = [item.name for item in readable.items]
    return Similarity(
        pairs=tuple(_name_pair(readable, pair) for pair in found) if pictures else None,
        parts={part: len(indices) for part, indices in parts.items()},
        shared=tuple(
            SharedImage(
                names[leak.second],
                leak.parts[1],
                names[leak.first],
                leak.parts[0],
                leak.orientation is not None,
            )
            for leak in leaks
        ),
    )


def _name_pair(dataset: Dataset, pair: Duplicate) -> SimilarPair:
    first, second = dataset.items[pair.first], dataset.items[pair.second]
    same_group = first.group == second.group
    return SimilarPair(first.name, second.name, pair.correlation, pair.orientation, pair.exact, same_group)
