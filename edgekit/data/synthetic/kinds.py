"""The ten classes: what each one looks like and how large its defects are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Kind:
    """One class of surface; lengths and areas are in pixels of a 512 x 512 image.

    ``mean_area_px`` is the mean area of the labels in DAGM 2007, after clipping at the frame. The ellipses
    are drawn with mean ``drawn_area_px``, larger by what the frame cuts off, and with the standard
    deviation ``area_spread`` of the area's logarithm. ``elongation`` bounds major over minor axis,
    ``margin`` is the least distance of a centre from the frame's edge, as a share of the side; ``angle``
    bounds the direction of the major axis in radians.
    """

    number: int
    name: str
    description: str
    mean_area_px: float
    drawn_area_px: float
    area_spread: float
    elongation: tuple[float, float]
    margin: float
    angle: tuple[float, float] = (0.0, math.pi)


#: Within 45 degrees of horizontal: a dark arc along the vertical fibres would be one of them.
_ACROSS_FIBRES = (-math.pi / 4, math.pi / 4)

_KINDS = (
    Kind(
        number=1,
        name="smear",
        description="fine interference weave with a patch where it is smeared out",
        mean_area_px=9596,
        drawn_area_px=9700,
        area_spread=0.4,
        elongation=(1.0, 1.9),
        margin=0.1,
    ),
    Kind(
        number=2,
        name="hair",
        description="nearly vertical fibres crossed by a thin dark arc",
        mean_area_px=2798,
        drawn_area_px=2850,
        area_spread=0.45,
        elongation=(1.6, 5.0),
        margin=0.06,
        angle=_ACROSS_FIBRES,
    ),
    Kind(
        number=3,
        name="dent",
        description="brushed plate with crossing waves and a bent patch",
        mean_area_px=3667,
        drawn_area_px=3690,
        area_spread=0.3,
        elongation=(1.0, 2.2),
        margin=0.06,
    ),
    Kind(
        number=4,
        name="cut",
        description="creases around a centre and one dark cut across them",
        mean_area_px=7244,
        drawn_area_px=7350,
        area_spread=0.25,
        elongation=(2.0, 3.2),
        margin=0.08,
    ),
    Kind(
        number=5,
        name="stain",
        description="cloudy cast surface with a patch of coarser grain",
        mean_area_px=5083,
        drawn_area_px=5120,
        area_spread=0.3,
        elongation=(1.0, 2.0),
        margin=0.08,
    ),
    Kind(
        number=6,
        name="scratch",
        description="dense black-and-white grain with a long dark scratch",
        mean_area_px=21599,
        drawn_area_px=24500,
        area_spread=0.05,
        elongation=(8.1, 9.2),
        margin=0.152,
    ),
    Kind(
        number=7,
        name="fold",
        description="woven cloth with a strip of shifted threads",
        mean_area_px=9954,
        drawn_area_px=10050,
        area_spread=0.25,
        elongation=(1.8, 3.5),
        margin=0.1,
    ),
    Kind(
        number=8,
        name="pits",
        description="leathery cells with a cluster of small pits",
        mean_area_px=1410,
        drawn_area_px=1420,
        area_spread=0.3,
        elongation=(1.0, 1.8),
        margin=0.05,
    ),
    Kind(
        number=9,
        name="spot",
        description="fine sandblasted grain with a small bright and dark spot",
        mean_area_px=969,
        drawn_area_px=975,
        area_spread=0.25,
        elongation=(1.0, 1.6),
        margin=0.05,
    ),
    Kind(
        number=10,
        name="crack",
        description="rolled sheet with diagonal streaks and a thin crack",
        mean_area_px=3305,
        drawn_area_px=3330,
        area_spread=0.3,
        elongation=(2.5, 5.0),
        margin=0.06,
    ),
)

#: The classes by number, 1 to 10.
KINDS: Mapping[int, Kind] = MappingProxyType({kind.number: kind for kind in _KINDS})
