"""`synthetic:dagm` as files, in the official DAGM 2007 layout, so that every tool that reads DAGM reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.data.layouts.dagm import FOLDERS
from edgekit.data.synthetic import KINDS, render
from edgekit.data.synthetic.render import MIN_SIDE
from edgekit.media.images import write_png
from edgekit.reporting import Reporter
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.replacing import staged_directory

LARGEST_CLASS = 9999
"""Images per class: the layout's file names have four digits."""

WHITE = 255
"""The value of defect pixels in the official label files."""


@dataclass(frozen=True)
class GeneratedFile:
    """One image to write: what it shows, and where it stands."""

    kind: int
    index: int
    defective: bool
    part: str
    number: int

    @property
    def image(self) -> Path:
        """The image's place below the root."""
        return Path(f"Class{self.kind}", self.part, f"{self.number:04}.PNG")

    @property
    def label(self) -> Path:
        """The label's place below the root; the file is there for defective images only."""
        return self.image.parent / "Label" / f"{self.number:04}_label.PNG"


@dataclass(frozen=True)
class GeneratedSet:
    """What is to be generated.

    Attributes:
        kinds: Class numbers, 1 to 10.
        defective: Defective images per class.
        normal: Defect-free images per class.
        seed: Another seed gives other images, and another order of defective and defect-free ones.
        size: (height, width) in pixels.
    """

    kinds: tuple[int, ...] = tuple(range(1, 11))
    defective: int = 10
    normal: int = 60
    seed: int = 0
    size: tuple[int, int] = (512, 512)

    def __len__(self) -> int:
        return len(self.kinds) * (self.defective + self.normal)

    def files(self) -> Iterator[GeneratedFile]:
        """Yield every image: each class shuffled by the seed, its first half in Train, the rest in Test."""
        for kind in self.kinds:
            total = self.defective + self.normal
            order = np.random.default_rng([self.seed, kind]).permutation(total)
            for position, entry in enumerate(order.tolist()):
                defective = entry < self.defective
                index = entry if defective else entry - self.defective
                part = FOLDERS[position >= (total + 1) // 2]
                yield GeneratedFile(kind, index, defective, part, position + 1)


def write_generated(root: Path, wanted: GeneratedSet, *, reporter: Reporter) -> None:
    """Write a generated set; the folder appears once everything is written.

    Args:
        root: The new folder; its parent must exist.
        wanted: What to generate. The same values give the same bytes.
        reporter: Where progress goes.

    Raises:
        UsageProblem: If the folder exists already, or no such images can be generated.
        IoFault: If the disk refuses.
    """
    _check_wanted(wanted)
    if os.path.lexists(root):
        raise UsageProblem(
            f"{root} is there already.", remedy="Name a new folder: generated images never mix with others."
        )
    with (
        staged_directory(root) as staged,
        reporter.progress(f"generating {len(wanted)} images", len(wanted)) as advance,
    ):
        for kind in wanted.kinds:
            for part in FOLDERS:
                (staged / f"Class{kind}" / part / "Label").mkdir(parents=True)
        for file in wanted.files():
            image, mask = render(
                file.kind, file.index, defective=file.defective, seed=wanted.seed, size=wanted.size
            )
            write_png(staged / file.image, image)
            if file.defective:
                write_png(staged / file.label, mask * np.uint8(WHITE))
            advance()


def _check_wanted(wanted: GeneratedSet) -> None:
    _check_kinds(wanted.kinds)
    if min(wanted.defective, wanted.normal) < 0 or not 1 <= wanted.defective + wanted.normal <= LARGEST_CLASS:
        raise UsageProblem(
            f"A class has 1 to {LARGEST_CLASS:,} images; "
            f"got {wanted.defective} defective and {wanted.normal} defect-free ones.",
            remedy="Choose other numbers for --count and --normal.",
        )
    if min(wanted.size) < MIN_SIDE:
        raise UsageProblem(
            f"Generated images have sides of at least {MIN_SIDE} pixels; "
            f"got {wanted.size[0]}×{wanted.size[1]}.",
            remedy="Choose a larger --size.",
        )


def _check_kinds(kinds: Sequence[int]) -> None:
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds or len(set(kinds)) < len(kinds):
        raise UsageProblem(
            f"The style has the classes 1 to {len(KINDS)}, each at most once; got {', '.join(map(str, kinds))}.",
            remedy="Name each class once, such as --class 1 --class 6, or leave --class out for all.",
        )
