"""Pictures of one thing: a tile of cloth with one defect of a wanted kind, or with none."""

from __future__ import annotations

from edgekit.data.fabric.end_out import EndOut
from edgekit.data.fabric.marks import Mark, Place
from edgekit.data.fabric.positional import Positional, Stream
from edgekit.data.fabric.web import KINDS, FabricWeb, Image, Mask

_APART = 1 << 14
"""Rows between the tiles of a roll: more than any defect is long."""


def render_tile(
    roll: int, number: int, *, kind: str | None, weave: str | None, seed: int, size: tuple[int, int]
) -> tuple[Image, Mask]:
    """Render tile `number` of a roll of cloth.

    Tiles of a roll show the same yarns in other places, under light that drifted meanwhile.

    Args:
        roll: Number of the roll; another one is another cloth.
        number: Number of the tile.
        kind: The defect that it shows, one of `KINDS`; None for good cloth.
        weave: One of `WEAVES`; None lets the seed choose.
        seed: Another seed gives other rolls.
        size: (height, width) in pixels, each at least `MIN_SIDE`.

    Returns:
        The picture and its truth, both uint8 (H, W): 0 is cloth, k the k-th of `KINDS`.
    """
    height, width = size
    y1 = (number + 1) * _APART
    roll_seed = int(Positional(seed, Stream.TILES).generator(roll).integers(1 << 62))
    defects = (
        () if kind is None else (_place_defect(kind, roll_seed, number, Place(0, y1, width, y1 + height)),)
    )
    web = FabricWeb(width, seed=roll_seed, defects_per_metre=0.0, weave=weave, defects=defects)
    return web.rows(y1, y1 + height)


def _place_defect(kind: str, seed: int, number: int, tile: Place) -> Mark:
    """Return a defect of the kind in the tile: the whole of it, or the part of a long one that lies there."""
    rng = Positional(seed, Stream.TILES).generator(number)
    height, width = tile.y2 - tile.y1, tile.x2 - tile.x1
    y, x = tile.y1 + int(rng.integers(height)), int(rng.integers(width))
    mark = KINDS[kind]
    place = mark.find_place(rng, y, x, min(height, width))
    if mark is EndOut:
        # It is seen anywhere along its length, but a quarter of the tile's height at least.
        length, shown = place.y2 - place.y1, height // 4
        y1 = int(rng.integers(tile.y1 + shown - length, tile.y2 - shown + 1))
        return mark(Place(place.x1, y1, place.x2, y1 + length).move_between_columns(width), seed, number)
    return mark(place.move_between_columns(width).move_between_rows(tile.y1, tile.y2), seed, number)
