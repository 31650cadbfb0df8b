"""`synthetic:dagm`: ten seeded classes in the style of DAGM 2007, generated as they are read."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.data.contract import Dataset, Item, Sample, digest_parts
from edgekit.data.synthetic import GENERATOR_VERSION, KINDS, render
from edgekit.data.synthetic.render import MIN_SIDE
from edgekit_runtime.errors import UsageProblem

DEFECTIVE = {kind: 150 if kind <= 6 else 300 for kind in range(1, 11)}
"""Defective images per class, as in DAGM 2007."""

NORMAL = {kind: 1000 if kind <= 6 else 2000 for kind in range(1, 11)}
"""Defect-free images per class, as in DAGM 2007."""


class SyntheticDagm(Dataset):
    """Generated images with ellipse labels.

    Args:
        kinds: Class numbers, 1 to 10.
        include_normal: Whether the defect-free images are items too; the paper trains on defective ones only.
        seed: Another seed gives other images of the same kinds.
        size: (height, width) in pixels.

    Raises:
        UsageProblem: If a class does not exist, or the size is below 64 pixels.
    """

    classes = ("background", "defect")
    may_hold_duplicates = False

    def __init__(
        self,
        kinds: Sequence[int] = tuple(range(1, 11)),
        *,
        include_normal: bool = False,
        seed: int = 0,
        size: tuple[int, int] = (512, 512),
    ) -> None:
        for kind in kinds:
            if kind not in KINDS:
                raise UsageProblem(f"synthetic:dagm has the classes 1 to 10; got {kind}.")
        if min(size) < MIN_SIDE:
            raise UsageProblem(
                f"Generated images have sides of at least {MIN_SIDE} pixels; got {size[0]}×{size[1]}.",
                remedy="Choose a larger size, or name a folder of images of your size with --data.",
            )
        self.seed = seed
        self.size = size
        self.kinds = tuple(kinds)
        self.name = "synthetic:dagm" + (f"/{kinds[0]}" if len(kinds) == 1 else "")
        entries = [
            (kind, index, defective)
            for kind in kinds
            for defective in ((True, False) if include_normal else (True,))
            for index in range(DEFECTIVE[kind] if defective else NORMAL[kind])
        ]
        self._entries = entries
        self.items = tuple(_make_item(*entry) for entry in entries)

    def load(self, index: int) -> Sample:
        """Render one image with its mask."""
        kind, number, defective = self._entries[index]
        image, mask = render(kind, number, defective=defective, seed=self.seed, size=self.size)
        return Sample(self.items[index].name, image, mask)

    def digest(self, index: int) -> str:
        """Return a hash of everything that decides the pixels."""
        return digest_parts("dagm", GENERATOR_VERSION, self.seed, self.size, *self._entries[index])


def _make_item(kind: int, index: int, defective: bool) -> Item:
    sort = "defective" if defective else "normal"
    name = f"Class{kind}/{sort}-{index:04d}"
    return Item(name, group=name, stratum=f"Class{kind}/{sort}", defective=defective)
