"""Early exits of a target: where they are, and what an answer there costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from edgekit.models.spec import ModelSpec
from edgekit_runtime.bundle import Manifest
from edgekit_runtime.padding import padded_size

if TYPE_CHECKING:
    from torch import nn

CountMacs = Callable[[int, int], Sequence[int]]
"""Height and width of a frame in pixels → multiply-accumulates up to each exit, in order."""


@dataclass(frozen=True)
class ExitPoint:
    """A place where a network may answer.

    Attributes:
        number: From 1, as in `Result.exit`: that of the stage which ends here.
        name: Such as "exit1".
        threshold: Confidence from which it answers. The last exit answers whatever is left; below its threshold the
            answer is marked as one of low confidence.
    """

    number: int
    name: str
    threshold: float


@dataclass(frozen=True)
class EarlyExits:
    """All exits of a network that has two or more.

    Attributes:
        points: In the order in which they are asked.
        count_macs: What a frame costs that is answered at each of them (rule `macs`).
    """

    points: tuple[ExitPoint, ...]
    count_macs: CountMacs


def read_exits(manifest: Manifest) -> EarlyExits | None:
    """Return the exits of a bundle; None where it has fewer than two, so that nothing is decided early."""
    ends = [
        (ExitPoint(number, stage.name, stage.exit.threshold), macs)
        for number, (stage, macs) in enumerate(
            zip(manifest.stages, accumulate(stage.macs for stage in manifest.stages), strict=True), 1
        )
        if stage.exit is not None
    ]
    if len(ends) < 2:
        return None
    points, costs = zip(*ends, strict=True)
    # Every frame is run at the size of the graph.
    return EarlyExits(points, lambda _height, _width: costs)


def plan_exits(network: nn.Module, spec: ModelSpec) -> EarlyExits | None:
    """Return the exits of a network as its model names them; None where it has none."""
    from edgekit.models.counting import count_exit_macs
    from edgekit_export.exportable import Exportable

    if not spec.exit_thresholds:
        return None
    assert isinstance(network, Exportable)  # every model of the registry is
    # Images of a dataset may have many sizes; each is counted once.
    count = cache(lambda size: count_exit_macs(network, (spec.channels, *size)))
    return EarlyExits(
        tuple(
            ExitPoint(number, stage.name, threshold)
            for number, (stage, threshold) in enumerate(
                zip(network.stages(), spec.exit_thresholds, strict=True), 1
            )
        ),
        lambda height, width: count(padded_size(height, width, spec.multiple)),
    )
