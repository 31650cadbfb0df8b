"""What takes part in a measurement: a subject, or a peer that the caller has built; frame in → regions out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.regions import Rows

Frames = npt.NDArray[np.uint8]
"""uint8 (N, H, W) or (N, H, W, 3)."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a contestant answered for one frame, in the form in which answers are compared.

    Attributes:
        mask: uint8 (H, W), 0 is background; None where the network classifies.
        regions: int64 (R, 6): x1, y1, x2, y2, area, class, in the order of `find_regions`; None as above.
        probabilities: float (classes,); None where the network segments.
    """

    mask: npt.NDArray[np.uint8] | None = None
    regions: Rows | None = None
    probabilities: npt.NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class Contestant:
    """One way from frames to regions.

    Attributes:
        name: Such as "onnxruntime".
        call: Frames → an answer in the contestant's own form; this is what is timed.
        read: That answer → one `Answer` per frame; never timed.
        check: Frames → answers at other thresholds, at which answers are compared, too (see
            `subjects.find_check_thresholds`); never timed. None where there are no others.
        graph: What it runs, in words.
        weights: Whose weights these are, in words; "" for the bundle's own.
        settings: What was found to be its best settings.
        tried: How many settings were tried for it.
    """

    name: str
    call: Callable[[Frames], Any]
    read: Callable[[Any], Sequence[Answer]]
    check: Callable[[Frames], Sequence[Answer]] | None = None
    graph: str = ""
    weights: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    tried: int = 0


def bind_frames(contestant: Contestant, batches: Sequence[Frames]) -> Callable[[int], Any]:
    """Return a call by number: the batches are taken in turn, so that no cache sees one image only."""
    call, count = contestant.call, len(batches)
    return lambda number: call(batches[number % count])
