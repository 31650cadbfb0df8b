"""From the facts of every image to the figures of the whole set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.data.checking.facts import ImageFacts
from edgekit.data.checking.survey import Survey

USUAL_MULTIPLE = 16
"""Networks halve the image up to four times: other sides are padded."""

COMMONEST_SIZES = 3


@dataclass(frozen=True)
class Spread:
    """The least, the middle and the largest of some values."""

    least: float
    median: float
    largest: float


@dataclass(frozen=True)
class Sizes:
    """Sizes of the images in pixels.

    Attributes:
        distinct: How many different sizes there are.
        height_px: Heights.
        width_px: Widths.
        commonest: ((height, width), images) of the commonest sizes, commonest first.
        multiples_share: Share of the images whose sides both are multiples of 16.
    """

    distinct: int
    height_px: Spread
    width_px: Spread
    commonest: tuple[tuple[tuple[int, int], int], ...]
    multiples_share: float


@dataclass(frozen=True)
class Kind:
    """One kind of defect.

    Attributes:
        name: Its name.
        images: Images that are called after it or whose mask shows it.
        masks: Those whose mask shows it.
        mean_share: Mean share of its pixels over the images of `masks`; None where there are none.
        regions: Connected regions of it.
        area_px: Areas of these; None where there are none.
        areas_px: Every area, ascending.
    """

    name: str
    images: int
    masks: int
    mean_share: float | None
    regions: int
    area_px: Spread | None
    areas_px: tuple[int, ...]


@dataclass(frozen=True)
class Summary:
    """Figures of the images that could be read; the counts are of images.

    Attributes:
        images: All of them, readable or not.
        unreadable: Those that cannot be used.
        defective: Those that show a defect, by their names or else their masks.
        normal: Those that show none.
        undecided: Those of which neither names nor masks tell.
        sizes: Their sizes; None where no image could be read.
        channels: Images by number of channels.
        bits: Their depth, as it was stated.
        labels: Images by the name of their class.
        strata: Images by stratum.
        kinds: The kinds of defect, in the order of the classes.
        pixels: Share of all pixels by class, the background first; empty where there are no masks.
        mean_level: Mean grey levels of the images; None where no image could be read.
        std_level: Standard deviations of the grey levels of each image.
        groups: How many groups there are.
        largest_group: (name, images) of the largest one.
    """

    images: int
    unreadable: int
    defective: int
    normal: int
    undecided: int
    sizes: Sizes | None
    channels: Mapping[int, int]
    bits: int
    labels: Mapping[str, int]
    strata: Mapping[str, int]
    kinds: tuple[Kind, ...]
    pixels: Mapping[str, float]
    mean_level: Spread | None
    std_level: Spread | None
    groups: int
    largest_group: tuple[str, int] | None


def summarise(survey: Survey) -> Summary:
    """Return the figures of a survey."""
    images = survey.images
    groups = Counter(image.item.group for image in images)
    labels = Counter(survey.labels[image.item.label] for image in images if image.item.label is not None)
    return Summary(
        images=len(images) + len(survey.unreadable),
        unreadable=len(survey.unreadable),
        defective=sum(image.defective is True for image in images),
        normal=sum(image.defective is False for image in images),
        undecided=sum(image.defective is None for image in images),
        sizes=_summarise_sizes(images) if images else None,
        channels=dict(sorted(Counter(image.channels for image in images).items())),
        bits=survey.bits,
        labels={name: labels[name] for name in survey.labels},
        strata=dict(sorted(Counter(image.item.stratum for image in images).items())),
        kinds=tuple(_summarise_kind(name, images) for name in _order_kinds(survey)),
        pixels=_share_pixels(survey),
        mean_level=_spread([image.mean for image in images]),
        std_level=_spread([image.std for image in images]),
        groups=len(groups),
        largest_group=groups.most_common(1)[0] if groups else None,
    )


def _spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    return Spread(float(min(values)), float(np.median(values)), float(max(values)))


def _summarise_sizes(images: Sequence[ImageFacts]) -> Sizes:
    counts = Counter((image.height, image.width) for image in images)
    height_px = _spread([image.height for image in images])
    width_px = _spread([image.width for image in images])
    assert height_px is not None
    assert width_px is not None
    multiples = sum(
        count for size, count in counts.items() if not any(side % USUAL_MULTIPLE for side in size)
    )
    # Ties go to the smaller size, so that the report does not depend on the order of images.
    commonest = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:COMMONEST_SIZES]
    return Sizes(len(counts), height_px, width_px, tuple(commonest), multiples / len(images))


def _order_kinds(survey: Survey) -> list[str]:
    """Return the kinds that some image shows: in the order of the classes, then others by name."""
    shown = {kind for image in survey.images for kind in image.kinds}
    known = [name for name in survey.classes[1:] if name in shown]
    return known + sorted(shown - set(known))


def _summarise_kind(name: str, images: Sequence[ImageFacts]) -> Kind:
    shares = [image.shares[name] for image in images if image.shares and name in image.shares]
    areas = sorted(area for image in images for area in image.areas_px.get(name, ()))
    return Kind(
        name=name,
        images=sum(name in image.kinds for image in images),
        masks=len(shares),
        mean_share=float(np.mean(shares)) if shares else None,
        regions=len(areas),
        area_px=_spread(areas),
        areas_px=tuple(areas),
    )


def _share_pixels(survey: Survey) -> dict[str, float]:
    masked = [
        (image.height * image.width, image.shares) for image in survey.images if image.shares is not None
    ]
    total = sum(area for area, _ in masked)
    if not total:
        return {}
    names: Iterable[str] = _order_kinds(survey)
    found = {name: sum(area * shares.get(name, 0.0) for area, shares in masked) / total for name in names}
    return {survey.classes[0]: 1 - sum(found.values()), **found}
