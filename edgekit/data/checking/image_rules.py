"""Doubts about the images themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from edgekit.data.checking.doubts import Doubt, Doubts, count_images
from edgekit.data.checking.facts import ImageFacts
from edgekit.data.checking.summary import USUAL_MULTIPLE, Summary
from edgekit.data.checking.survey import Survey

DARK, BRIGHT = 5.0, 250.0
"""Mean grey levels of 0…255 below and above which an image shows next to nothing."""

FLAT = 1.0
"""Standard deviation of such grey levels below which an image shows next to nothing."""

_BLANKS: tuple[tuple[str, Callable[[float, float], bool]], ...] = (
    ("of one grey level, or nearly so", lambda _, std: std < FLAT),
    ("nearly black", lambda mean, std: std >= FLAT and mean < DARK),
    ("nearly white", lambda mean, std: std >= FLAT and mean > BRIGHT),
)
"""What is said of an image of some mean and standard deviation."""


def find_unreadable(survey: Survey, _: Summary) -> Doubts:
    """Yield one error per image that cannot be used, but for those of another depth."""
    for entry in survey.unreadable:
        if entry.bits is not None:
            continue
        yield Doubt(
            "error",
            f"{entry.name} cannot be used. {entry.reason}",
            "Mend it, or take it out.",
            [entry.name],
        )


def find_other_depths(survey: Survey, summary: Summary) -> Doubts:
    """Yield one error about all images of another depth than was stated, with what to type."""
    others = [entry for entry in survey.unreadable if entry.bits is not None]
    if not others:
        return
    needed = max(entry.bits or 0 for entry in others)
    if survey.bits > 8:
        depth, advice = (
            "8 bits",
            f"Leave --bits {survey.bits} out, or name the images as the camera gave them.",
        )
    else:
        depth = f"16 bits, with values that need {needed}"
        usual = max(10, needed + needed % 2)
        advice = (
            f"Check them with --bits {usual}, if that is what the camera is set to, and train so: values alone do not "
            "tell whether there are brighter ones."
        )
    yield Doubt(
        "error",
        f"{count_images(len(others), summary.images)} have files of {depth}; stated are {survey.bits} bits.",
        advice,
        [entry.name for entry in others],
        len(others),
    )


def find_blank_images(survey: Survey, _: Summary) -> Doubts:
    """Yield doubts about images that show nothing."""
    level = (2**survey.bits - 1) / 255
    for words, is_blank in _BLANKS:
        names = [image.name for image in survey.images if is_blank(image.mean / level, image.std / level)]
        if names:
            yield Doubt(
                "warning",
                f"{count_images(len(names))} {words}.",
                "Check the exposure, or take them out.",
                names,
            )


def find_identical(survey: Survey, _: Summary) -> Doubts:
    """Yield doubts about pictures that are there twice, pixel for pixel, and about those that contradict."""
    by_content: dict[str, list[ImageFacts]] = defaultdict(list)
    for image in survey.images:
        by_content[image.content].append(image)
    copied = [images for images in by_content.values() if len(images) > 1]
    disputed = [images for images in copied if len({image.truth for image in images}) > 1]
    twins = [images for images in copied if images not in disputed]
    if twins:
        yield Doubt(
            "warning",
            f"{_count_pictures(twins)} more than once, pixel for pixel.",
            "Keep one of each: copies count twice in training, and a copy in the test part flatters it.",
            _list_names(twins),
            len(twins),
        )
    if disputed:
        yield Doubt(
            "warning",
            f"{_count_pictures(disputed)} more than once, with different masks or classes.",
            "At most one of them is right, and a network is taught both. Look at them, and keep one.",
            _list_names(disputed),
            len(disputed),
        )


def find_similar_pairs(survey: Survey, _: Summary) -> Doubts:
    """Yield a doubt where images of different groups show nearly the same picture, the most alike first."""
    pairs = [pair for pair in survey.similarity.pairs or () if not pair.exact and not pair.same_group]
    if pairs:
        pairs.sort(key=lambda pair: (-pair.correlation, pair.first, pair.second))
        best = pairs[0]
        yield Doubt(
            "note",
            f"{len(pairs):,} pair{'s' * (len(pairs) != 1)} of images of different groups show nearly the same picture; "
            f"most alike are {best.first} and {best.second} ({best.orientation}).",
            "Copies that were turned, mirrored or saved anew, or one thing that was taken twice. Splits of edgekit "
            "keep them in one part; others may not.",
            [name for pair in pairs for name in (pair.first, pair.second)],
            len(pairs),
        )


def _count_pictures(groups: Sequence[object]) -> str:
    return f"{len(groups):,} picture{'s are' if len(groups) != 1 else ' is'} there"


def _list_names(groups: Iterable[Sequence[ImageFacts]]) -> list[str]:
    return [image.name for image in chain.from_iterable(groups)]


def find_mixed_channels(survey: Survey, summary: Summary) -> Doubts:
    """Yield a doubt where some images are grey and others coloured."""
    if len(summary.channels) > 1:
        names = [image.name for image in survey.images if image.channels != 1]
        yield Doubt(
            "warning",
            f"{count_images(len(names), len(survey.images))} are in colour, the others grey.",
            "A network takes one or the other: convert them alike.",
            names,
        )


def find_odd_sizes(survey: Survey, _: Summary) -> Doubts:
    """Yield a doubt where sides are such that networks pad them."""
    odd = [image for image in survey.images if image.height % USUAL_MULTIPLE or image.width % USUAL_MULTIPLE]
    if odd:
        yield Doubt(
            "note",
            f"{count_images(len(odd), len(survey.images))} have a side that is no multiple of {USUAL_MULTIPLE}.",
            "Networks pad them; nothing needs to be done.",
            count=len(odd),
        )
