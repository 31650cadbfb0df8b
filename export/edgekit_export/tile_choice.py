"""Whether frames can be cut into tiles, and how much of each other tiles must show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import onnx_ir as ir

from edgekit_export.receptive_field import find_default_overlap, find_reach
from edgekit_runtime.bundle import InputContract
from edgekit_runtime.bundle.contract import Fit
from edgekit_runtime.bundle.manifest import Task
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.tiling import Size, check_overlap

_IMAGE_AXES = (2, 3)
"""Rows and columns of what a traced network takes, (N, C, H, W)."""


def check_tiles(fit: Fit, overlap: int | None, task: Task, size: Size, multiple: int) -> None:
    """Refuse tiles that the bundle could not have.

    Args:
        fit: Of the bundle.
        overlap: As the user wants it; None where it will follow from the network.
        task: Of the network.
        size: (height, width) of the graph.
        multiple: What the network's sides must be multiples of.

    Raises:
        UsageProblem: If frames of a classifier would be cut, what is no tile would overlap, or the overlap does
            not fit.
    """
    if fit == "tile" and task == "classify":
        raise UsageProblem(
            "A class is that of a whole frame: the classes of its tiles cannot be joined as masks are.",
            remedy="Export for the size of the frames (--size HxW), or with --fit pad.",
        )
    if overlap is None:
        return
    if fit != "tile":
        raise UsageProblem(
            f"Only tiles overlap; the bundle's fit is {fit!r}.",
            remedy="Add --fit tile, or leave --overlap out.",
        )
    check_overlap(overlap, size, multiple)


def describe_tiles(
    contract: InputContract, traced: Sequence[ir.Model], overlap: int | None, task: Task
) -> InputContract:
    """Return the contract with how far the network looks and, where it cuts frames, how much its tiles overlap.

    Args:
        contract: As far as it is known without the graphs.
        traced: The stages as they were traced, which take a normalised image.
        overlap: As the user wants it; None takes the least with which tiles answer as the whole frame does.
        task: Of the network; how far a classifier looks is of no use.

    Raises:
        UsageProblem: If there is no such overlap.
    """
    if task == "classify":
        return contract
    reach = find_reach(traced, _IMAGE_AXES)
    if contract.fit == "tile" and overlap is None:
        overlap = find_default_overlap(reach, (contract.height, contract.width), contract.multiple)
    return replace(contract, reach=reach.px, overlap=overlap or 0)
