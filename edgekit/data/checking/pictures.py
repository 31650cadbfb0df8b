"""Which images a report shows, and their small pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit.data.checking.check import Check
from edgekit.data.checking.facts import ImageFacts
from edgekit.data.contract import Dataset
from edgekit.media.shades import shade_frame
from edgekit.media.thumbnails import draw_thumbnail
from edgekit.reporting import Reporter

MOST = 24
SIDE_PX = 300

NORMAL = "defect-free"


@dataclass(frozen=True, eq=False)
class Picture:
    """One small picture.

    Attributes:
        name: The image's name.
        caption: Its size and what it shows or why it is here.
        pixels: uint8 (h, w, 3) with an outline around the defects.
    """

    name: str
    caption: str
    pixels: npt.NDArray[np.uint8]


def draw_typical(check: Check, dataset: Dataset, *, reporter: Reporter) -> tuple[Picture, ...]:
    """Return up to 24 pictures, spread over the kinds of defect and defect-free images.

    Args:
        check: The check of the dataset.
        dataset: Where the images are loaded from.
        reporter: Where progress goes.

    Raises:
        UnusableInput: If an image can no longer be read.
    """
    chosen = choose_typical(check.survey.images, MOST)
    shown = [(image, describe_content(image)) for image in chosen]
    return _draw(shown, dataset, reporter)


def draw_suspicious(check: Check, dataset: Dataset, *, reporter: Reporter) -> tuple[Picture, ...]:
    """Return up to 24 pictures of images that findings name, each with the rules that named it.

    The arguments and errors are those of `draw_typical`.
    """
    reasons: dict[str, list[str]] = defaultdict(list)
    for finding in check.findings:
        for name in finding.examples:
            if finding.rule not in reasons[name]:
                reasons[name].append(finding.rule)
    images = {image.name: image for image in check.survey.images}
    shown = [(images[name], ", ".join(rules)) for name, rules in reasons.items() if name in images]
    return _draw(shown[:MOST], dataset, reporter)


def choose_typical(images: Sequence[ImageFacts], most: int) -> list[ImageFacts]:
    """Return images in turn from each kind, evenly spaced within it, so that none crowds out another."""
    by_content: dict[str, list[ImageFacts]] = defaultdict(list)
    for image in images:
        by_content[describe_content(image)].append(image)
    # The commonest first: where there are more kinds than places, they are what a line mostly sees.
    members = sorted(by_content.values(), key=len, reverse=True)
    quotas = _share_places([len(group) for group in members], most)
    chosen = [
        group[position]
        for group, quota in zip(members, quotas, strict=True)
        for position in np.linspace(0, len(group) - 1, quota).round().astype(int).tolist()
    ]
    return sorted(
        chosen, key=lambda image: (describe_content(image) == NORMAL, describe_content(image), image.name)
    )


def describe_content(image: ImageFacts) -> str:
    """Return the kinds that an image shows, or that it shows none."""
    if image.defective is False:
        return NORMAL
    return " and ".join(image.kinds) or image.called or "unknown"


def _share_places(sizes: Sequence[int], places: int) -> list[int]:
    """Deal places one by one to the groups that still have members."""
    quotas = [0] * len(sizes)
    while places and any(quota < size for quota, size in zip(quotas, sizes, strict=True)):
        for index, size in enumerate(sizes):
            if places and quotas[index] < size:
                quotas[index] += 1
                places -= 1
    return quotas


def _draw(
    shown: Iterable[tuple[ImageFacts, str]], dataset: Dataset, reporter: Reporter
) -> tuple[Picture, ...]:
    entries = list(shown)
    pictures = []
    with reporter.progress("drawing", len(entries)) as advance:
        for image, caption in entries:
            sample = dataset.load(image.index)
            shaded = shade_frame(sample.image, dataset.pixels)
            pixels = draw_thumbnail(shaded, sample.mask, SIDE_PX)
            pictures.append(Picture(image.name, f"{image.height}×{image.width}, {caption}", pixels))
            advance()
    return tuple(pictures)
