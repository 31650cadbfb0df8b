"""Seeded woven cloth with defects, as a line camera sees it."""

from edgekit.data.fabric.tiles import render_tile
from edgekit.data.fabric.weaves import WEAVES
from edgekit.data.fabric.web import (
    GENERATOR_VERSION,
    KINDS,
    MIN_SIDE,
    PAPER_MM_PER_PIXEL,
    FabricWeb,
    TrueDefect,
)

__all__ = [
    "GENERATOR_VERSION",
    "KINDS",
    "MIN_SIDE",
    "PAPER_MM_PER_PIXEL",
    "WEAVES",
    "FabricWeb",
    "TrueDefect",
    "render_tile",
]
