"""A program's weights: read from the bundle, checked against the operations, and put into their cells."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from edgekit_runtime.backends.fused.instructions import (
    BIAS,
    CELL_FLOATS,
    HEAD_WEIGHT,
    SHIFT,
    SLOPE,
)
from edgekit_runtime.backends.fused.network import Network
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.bundle.manifest import OperationInfo
from edgekit_runtime.bundle.program_checks import ProgramFault, Weights, parse_weights
from edgekit_runtime.errors import ArtefactRefused

Floats = npt.NDArray[np.float32]


def read_weights(bundle: Bundle, network: Network) -> Weights:
    """Return the arrays of a program, NAME.weight and NAME.bias for each operation.

    Raises:
        ArtefactRefused: If the file is damaged, or holds other arrays than the operations need.
    """
    name = network.program.weights
    try:
        return parse_weights(bundle.read(name), network.program, network.sizes)
    except ProgramFault as error:
        raise ArtefactRefused(f"{bundle.path}: {name!r} {error}.") from error


def place_weights(arena: Floats, network: Network, cells: Mapping[str, int], weights: Weights) -> None:
    """Write every weight, slope and bias, and the frame's shift, to where the plan expects them."""
    arena[SHIFT] = network.program.frame_shift
    for operation in network.program.operations:
        _place_operation(_view_cells(arena, cells, operation), operation, weights)
    head = network.head
    for node, places in network.summed.items():
        weight = np.float32(sum(weights[f"{head.name}.weight"][place] for place in places))
        arena[cells[node.tensor] + node.channel * CELL_FLOATS + HEAD_WEIGHT] = weight


def _view_cells(arena: Floats, cells: Mapping[str, int], operation: OperationInfo) -> Floats:
    start = cells[operation.name]
    return arena[start : start + operation.channels * CELL_FLOATS].reshape(operation.channels, CELL_FLOATS)


def _place_operation(cells: Floats, operation: OperationInfo, weights: Weights) -> None:
    cells[:, BIAS] = weights[f"{operation.name}.bias"]
    cells[:, SLOPE] = operation.negative_slope
    if operation.kind != "head":
        taps = weights[f"{operation.name}.weight"].reshape(operation.channels, -1)
        cells[:, : taps.shape[1]] = taps
