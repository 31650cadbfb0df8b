"""`synthetic:fabric`: tiles of woven cloth, generated as they are read; most of them show no defect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.data.contract import Dataset, Item, Sample, digest_parts
from edgekit.data.fabric import GENERATOR_VERSION, KINDS, MIN_SIDE, WEAVES, render_tile
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.near_names import suggest

DEFECTIVE, NORMAL = 120, 240
"""Tiles per kind of defect: those that show it, and as many defect-free ones go with them."""

NORMAL_PER_ROLL = 8
"""Defect-free tiles of a roll at most, beside one tile of each kind of defect."""

NORMAL_LABEL = "normal"

WITH_DEFECTS, WITHOUT = "with defects", "without"
"""Strata of rolls, where some show defects and others show none."""

MOST_PER_KIND = 9999
"""Tiles per kind, defective and defect-free ones together, as in the files of `synthetic:dagm`."""


@dataclass(frozen=True)
class Tile:
    """One tile: the roll it is cut from, its number there, and the defect it shows."""

    roll: int
    number: int
    kind: str | None

    @property
    def weave(self) -> str:
        """The roll's weave: they take turns."""
        return tuple(WEAVES)[self.roll % len(WEAVES)]

    def make_item(self, labels: Sequence[str], stratum: str) -> Item:
        """Return what is known without rendering; a roll's tiles are one group, because they show the same yarns."""
        group = f"roll-{self.roll:04d}"
        name = f"{group}/{self.kind or f'{NORMAL_LABEL}-{self.number:02d}'}"
        label = labels.index(self.kind or NORMAL_LABEL)
        return Item(name, group=group, stratum=stratum, defective=self.kind is not None, label=label)


class SyntheticFabric(Dataset):
    """Generated cloth with masks that are exact to the pixel, and a class per tile: no tile shows two kinds.

    Args:
        kinds: Kinds of defect, of `edgekit.data.fabric.KINDS`; they are the classes, and the labels beside "normal".
        include_normal: Whether the defect-free tiles are items too.
        defective: Tiles per kind that show it; each is of another roll.
        normal: Defect-free tiles per kind.
        seed: Another seed gives other rolls.
        size: (height, width) in pixels.

    Raises:
        UsageProblem: If a kind does not exist, there would be no tile or too many, or the size is below 64 pixels.
    """

    normal_label = NORMAL_LABEL
    may_hold_duplicates = False

    def __init__(
        self,
        kinds: Sequence[str] = tuple(KINDS),
        *,
        include_normal: bool = True,
        defective: int = DEFECTIVE,
        normal: int = NORMAL,
        seed: int = 0,
        size: tuple[int, int] = (512, 512),
    ) -> None:
        for kind in kinds:
            if kind not in KINDS:
                raise UsageProblem(f"synthetic:fabric has no defect {kind!r}.", remedy=suggest(kind, KINDS))
        normal = normal if include_normal else 0
        if min(defective, normal) < 0 or not 1 <= defective + normal <= MOST_PER_KIND:
            raise UsageProblem(
                f"A kind of defect has 1 to {MOST_PER_KIND:,} tiles; "
                f"got {defective} defective and {normal} defect-free ones.",
                remedy="Choose other numbers of tiles.",
            )
        if min(size) < MIN_SIDE:
            raise UsageProblem(
                f"Generated images have sides of at least {MIN_SIDE} pixels; got {size[0]}×{size[1]}.",
                remedy="Choose a larger size, or name a folder of images of your size with --data.",
            )
        self.seed = seed
        self.size = size
        self.classes = ("background", *kinds)
        self.labels = (NORMAL_LABEL, *kinds)
        self.name = "synthetic:fabric" + (f"/{kinds[0]}" if len(kinds) == 1 else "")
        self.tiles = tuple(list_tiles(kinds, defective, normal * len(kinds)))
        strata = choose_strata(self.tiles)
        self.items = tuple(tile.make_item(self.labels, strata[tile.roll]) for tile in self.tiles)

    def load(self, index: int) -> Sample:
        """Render one tile with its mask."""
        tile = self.tiles[index]
        image, truth = render_tile(
            tile.roll, tile.number, kind=tile.kind, weave=tile.weave, seed=self.seed, size=self.size
        )
        if tile.kind is None:
            return Sample(self.items[index].name, image, truth)
        mask = (truth > 0) * np.uint8(self.classes.index(tile.kind))
        return Sample(self.items[index].name, image, mask, (tile.kind,))

    def digest(self, index: int) -> str:
        """Return a hash of everything that decides the pixels."""
        tile = self.tiles[index]
        return digest_parts(
            "fabric", GENERATOR_VERSION, self.seed, self.size, tile.roll, tile.number, tile.kind, tile.weave
        )


def list_tiles(kinds: Sequence[str], defective: int, normal: int) -> list[Tile]:
    """Return the tiles of all rolls; one of a roll and a number is the same whichever others are listed.

    Args:
        kinds: Kinds of defect.
        defective: Tiles of each kind: one in each of so many rolls.
        normal: Defect-free tiles in all, spread over the rolls.
    """
    rolls = max(defective, -(-normal // NORMAL_PER_ROLL))
    return [
        tile
        for roll in range(rolls)
        for tile in (
            *(
                Tile(roll, number, kind)
                for number, kind in enumerate(KINDS)
                if kind in kinds and roll < defective
            ),
            *(Tile(roll, len(KINDS) + index, None) for index in range(len(range(roll, normal, rolls)))),
        )
    ]


def choose_strata(tiles: Sequence[Tile]) -> dict[int, str]:
    """Return the stratum of each roll: its weave, or whether it shows defects where not every roll does.

    A part of a split may lack a weave, but not the defects. The few rolls that have some are then not told apart by
    weave: of three strata with three such rolls each, every roll would go to the training part.
    """
    weaves = {tile.roll: tile.weave for tile in tiles}
    defective = {tile.roll for tile in tiles if tile.kind is not None}
    if len(defective) in (0, len(weaves)):
        return weaves
    return {roll: WITH_DEFECTS if roll in defective else WITHOUT for roll in weaves}
