"""Seeded images of surface defects in the style of the DAGM 2007 data set (Wieler and Hahn, 2007).

DAGM 2007 is itself computer-generated: textures from statistical models, one defect per defective image, and
the filled ellipse around it as label. ``render`` draws images of that kind from nothing but a seed.
"""

from edgekit.data.synthetic.kinds import KINDS, Kind
from edgekit.data.synthetic.render import GENERATOR_VERSION, MIN_SIDE, render

__all__ = ["GENERATOR_VERSION", "KINDS", "MIN_SIDE", "Kind", "render"]
