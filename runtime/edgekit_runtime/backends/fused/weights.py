"""A program's weights: read from the bundle, checked against the operations, and put into their cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
from edgekit_runtime.bundle import Bundle, StageInfo
from edgekit_runtime.bundle.manifest import OperationInfo
from edgekit_runtime.bundle.npz import NpzError, parse_arrays
from edgekit_runtime.bundle.program_checks import count_weights
from edgekit_runtime.errors import ArtefactRefused

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, npt.NDArray[Any]]


def read_weights(bundle: Bundle, stage: StageInfo, network: Network) -> Weights:
    """Return the arrays of a stage's program, NAME.weight and NAME.bias for each operation.

    Raises:
        ArtefactRefused: If the file is damaged, or holds other arrays than the operations need.
    """
    name = network.program.weights
    try:
        weights = parse_arrays(bundle.read(name))
    except NpzError as error:
        raise ArtefactRefused(f"{bundle.path}: {name!r} {error}.") from error
    expected: dict[str, tuple[int, ...]] = {}
    for operation in network.program.operations:
        expected[f"{operation.name}.weight"] = count_weights(operation, network.sizes)
        expected[f"{operation.name}.bias"] = (operation.channels,)
    found = {key: array.shape for key, array in weights.items()}
    if found != expected or any(array.dtype != np.float32 for array in weights.values()):
        wrong = sorted(key for key in {*found, *expected} if found.get(key) != expected.get(key))
        raise ArtefactRefused(
            f"{bundle.path}: {name!r} does not hold the float32 weights of stage {stage.name!r}"
            + (f": {wrong[0]!r} is {found.get(wrong[0])}, not {expected.get(wrong[0])}." if wrong else ".")
        )
    return weights


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
