"""How the crossings of warp and weft look: which yarn lies on top, and how it is rounded and dives."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgekit.data.fabric.positional import Whole
from edgekit.data.fabric.weaves import Weave

Field = npt.NDArray[np.float32]

#: How much darker a yarn is at its sides than on its crest, and where it dives below another one.
_ROUND, _DIVE = 0.62, 0.42


def shade_warp(weave: Weave, pick: Whole, v: Field, end: Whole, u: Field) -> Field:
    """Return how bright the warp is at each point, 0 where the weft covers it.

    Args:
        weave: bool (picks, ends) of one repeat.
        pick: Number of the pick (a weft yarn), broadcast against `end`.
        v: Place across the pick, 0..1.
        end: Number of the end (a warp yarn).
        u: Place across the end, 0..1.
    """
    over = _is_over(weave, pick, end)
    dives = _dive(v, ~_is_over(weave, pick - 1, end), ~_is_over(weave, pick + 1, end))
    return np.where(over, _dome(u) * dives, np.float32(0.0))


def shade_weft(weave: Weave, pick: Whole, v: Field, end: Whole, u: Field) -> Field:
    """Return how bright the weft is at each point, 0 where the warp covers it; arguments as `shade_warp`."""
    over = _is_over(weave, pick, end)
    dives = _dive(u, _is_over(weave, pick, end - 1), _is_over(weave, pick, end + 1))
    return np.where(over, np.float32(0.0), _dome(v) * dives)


def shade_alone(across: Field) -> Field:
    """Return how bright yarns are that lie on top everywhere, because the other ones are missing."""
    return _dome(across)


def _is_over(weave: Weave, pick: Whole, end: Whole) -> npt.NDArray[np.bool_]:
    over: npt.NDArray[np.bool_] = weave[pick % weave.shape[0], end % weave.shape[1]]
    return over


def _dome(across: Field) -> Field:
    """Return the brightness of a round yarn, 1 on its crest."""
    off = np.square(np.float32(2.0) * across - np.float32(1.0))
    dome: Field = np.float32(1.0) - np.float32(_ROUND) * off * (np.float32(0.35) + np.float32(0.65) * off)
    return dome


def _dive(along: Field, at_start: npt.NDArray[np.bool_], at_end: npt.NDArray[np.bool_]) -> Field:
    """Return the loss of brightness towards the ends of a float."""
    start, stop = (np.float32(1.0) - along) ** 3 * at_start, along**3 * at_end
    dive: Field = np.float32(1.0) - np.float32(_DIVE) * (start + stop)
    return dive
