"""Doubts about the set as a whole."""

from __future__ import annotations

from collections import defaultdict

from edgekit.data.checking.doubts import Doubt, Doubts
from edgekit.data.checking.similarity import SharedImage
from edgekit.data.checking.summary import Summary
from edgekit.data.checking.survey import Survey

FEW = 20
"""With fewer images of a kind, at most two land in the validation part and four in the test part."""


def find_leaks(survey: Survey, _: Summary) -> Doubts:
    """Yield a doubt per two parts of the dataset's own that share pictures or groups."""
    shared: dict[tuple[str, str], list[SharedImage]] = defaultdict(list)
    for entry in survey.similarity.shared:
        shared[entry.part, entry.other_part].append(entry)
    for (part, other_part), entries in shared.items():
        copies = sum(entry.copy for entry in entries)
        how = f"{copies:,} as a copy, {len(entries) - copies:,} by their group"
        whole = (survey.similarity.parts or {}).get(part, 0)
        yield Doubt(
            "warning",
            f"The set's own parts leak: {len(entries):,} of the {whole:,} images of {part} show what {other_part} "
            f"holds too ({how}).",
            f"Figures measured on that {part} part are flattered. edgekit splits by group instead, and copies stay "
            "together.",
            [name for entry in entries for name in (entry.image, entry.other)],
            len(entries),
        )


def find_absent_classes(survey: Survey, summary: Summary) -> Doubts:
    """Yield a doubt where a class has no image."""
    shown = {kind.name for kind in summary.kinds}
    merged = len(survey.classes) == 2 and bool(shown)  # "defect" is shown under the names of its kinds
    absent = [] if merged else [name for name in survey.classes[1:] if name not in shown]
    absent += [name for name, count in summary.labels.items() if not count and name not in absent]
    if absent and survey.images:
        yield Doubt(
            "warning",
            f"No image shows {', '.join(absent)}.",
            "A network cannot learn what it never sees. Add images.",
            count=len(absent),
        )


def find_few_images(_: Survey, summary: Summary) -> Doubts:
    """Yield a doubt where a class has a handful of images."""
    counts = {**summary.labels, **{kind.name: kind.images for kind in summary.kinds}}
    few = {name: count for name, count in counts.items() if 0 < count < FEW}
    if few:
        yield Doubt(
            "note",
            f"Few images of {', '.join(f'{name} ({count})' for name, count in few.items())}.",
            "Their figures will vary much from split to split: use folds, or add images.",
            count=len(few),
        )


def find_missing_normals(survey: Survey, summary: Summary) -> Doubts:
    """Yield a doubt where every image shows a defect."""
    if survey.images and not summary.normal and not summary.undecided:
        yield Doubt(
            "note",
            "No image is defect-free.",
            "How often a good part is rejected (overkill) cannot be measured. A line sees mostly good parts: add some.",
        )


def find_missing_defects(survey: Survey, summary: Summary) -> Doubts:
    """Yield a doubt where no image shows a defect."""
    if survey.images and not summary.defective and not summary.undecided:
        yield Doubt("warning", "No image shows a defect.", "There is nothing to learn and nothing to find.")
