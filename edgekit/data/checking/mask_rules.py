"""Doubts about masks and about what images are called."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from edgekit.data.checking.doubts import Doubt, Doubts, Severity, count_images, format_share
from edgekit.data.checking.facts import MaskLevels
from edgekit.data.checking.summary import Summary
from edgekit.data.checking.survey import Survey

ALMOST_ALL = 0.95
"""A mask that covers more is probably inverted, or says no more than the image's class."""

SPECK_PX = 4
"""Regions of fewer pixels are mostly slips of the brush, or smoothed borders that were cut at a level."""

ROUGH_SHARE = 0.01
"""Mask files that lose more of their pixels' levels were smoothed or scaled: their outlines are a guess."""


def find_empty_masks(survey: Survey, _: Summary) -> Doubts:
    """Yield one doubt per name that images with an empty mask are called by."""
    empty: dict[str, list[str]] = defaultdict(list)
    totals: Counter[str] = Counter()
    for image in survey.images:
        if image.item.defective and image.shares is not None:
            totals[image.called] += 1
            if not image.shares:
                empty[image.called].append(image.name)
    for name, names in sorted(empty.items()):
        verb = "has" if len(names) == 1 else "have"
        yield Doubt(
            "warning",
            f"{count_images(len(names), totals[name])} called {name} {verb} an empty mask.",
            "They count as defective in image metrics, and teach the network background. Look at them: draw the "
            "mask, or move them to the defect-free images.",
            names,
        )


def find_marked_normals(survey: Survey, _: Summary) -> Doubts:
    """Yield a doubt where images that are called defect-free have a mask that is not empty."""
    names = [image.name for image in survey.images if image.item.defective is False and image.shares]
    if names:
        yield Doubt(
            "warning",
            f"{count_images(len(names))} called defect-free, but the mask shows a defect.",
            "Either the name or the mask is wrong. Look at them.",
            names,
        )


def find_full_masks(survey: Survey, _: Summary) -> Doubts:
    """Yield a doubt where masks cover nearly everything."""
    names = [image.name for image in survey.images if (image.defect_share or 0) > ALMOST_ALL]
    if names:
        yield Doubt(
            "warning",
            f"{count_images(len(names))} with a mask that covers more than {ALMOST_ALL:.0%}.",
            "Such a mask is inverted, or says no more than the image's class. Look at them.",
            names,
        )


def find_grey_masks(survey: Survey, _: Summary) -> Doubts:
    """Yield a doubt where mask files hold more levels than classes."""
    files = [(image.mask_levels, image.name) for image in survey.images if image.mask_levels is not None]
    grey = sorted(
        ((levels.lost_share, name) for levels, name in files if levels.lost_share),
        key=lambda entry: (-entry[0], entry[1]),
    )
    if not grey:
        return
    mean = sum(share for share, _ in grey) / len(grey)
    rule = _describe_threshold([levels for levels, _ in files])
    severity: Severity = "warning" if mean > ROUGH_SHARE else "note"
    yield Doubt(
        severity,
        f"{len(grey):,} of {len(files):,} mask files are grey: they hold levels besides one per class "
        f"(on average {format_share(mean)} of their pixels, at most {format_share(grey[0][0])}).",
        f"{rule}JPEG and smoothing make grey levels: keep masks as lossless PNG.",
        [name for _, name in grey],
    )


def _describe_threshold(levels: Sequence[MaskLevels]) -> str:
    """Return the rule that loading followed, as far as the files show it; "" where no one level parts the classes."""
    background = max((entry.background_to for entry in levels if entry.background_to is not None), default=-1)
    defect = min((entry.defect_from for entry in levels if entry.defect_from is not None), default=256)
    if not 0 <= background < defect <= 255:
        return ""
    return f"Levels up to {background} were taken for background, those from {defect} for a defect. "


def find_specks(survey: Survey, _: Summary) -> Doubts:
    """Yield a doubt where masks hold regions of a few pixels; images with the most come first."""
    specks = {
        image.name: sum(area < SPECK_PX for areas in image.areas_px.values() for area in areas)
        for image in survey.images
    }
    names = sorted((name for name in specks if specks[name]), key=lambda name: (-specks[name], name))
    if names:
        count = sum(specks.values())
        yield Doubt(
            "note",
            f"{count:,} region{'s' * (count != 1)} of fewer than {SPECK_PX} px in the masks of "
            f"{count_images(len(names))}.",
            "Mostly slips of the brush. They count as defects of their own in figures per defect.",
            names,
            count,
        )


def find_other_kinds(survey: Survey, summary: Summary) -> Doubts:
    """Yield a doubt where images show a kind besides their class, in their masks or boxes."""
    shown = {kind.name for kind in summary.kinds}
    names = [
        image.name for image in survey.images if image.label in shown and set(image.kinds) - {image.label}
    ]
    if names:
        yield Doubt(
            "note",
            f"{count_images(len(names), len(survey.images))} with a kind besides that of the image's class.",
            "A classifier is taught one class for them; a segmentation network sees both kinds.",
            names,
        )


def find_missing_masks(survey: Survey, _: Summary) -> Doubts:
    """Yield a doubt where no image has a mask."""
    if survey.images and all(image.shares is None for image in survey.images):
        yield Doubt(
            "note",
            "The images have no pixel masks.",
            "A classifier can be trained on these data; segmentation needs masks.",
            count=len(survey.images),
        )
