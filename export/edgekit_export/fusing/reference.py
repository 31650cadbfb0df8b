"""What a program answers, in float64 and NumPy alone, and how far float32 may be from it.

A plane is computed when something asks for it. Planes of the frame's size are computed again rather than kept: a
network of a thousand channels would fill gigabytes with them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_export.fusing.program import Program
from edgekit_export.fusing.rounding_bounds import Ball, activate, enclose_frame, start_sum, weigh_radius
from edgekit_runtime.bundle import OperationInfo
from edgekit_runtime.bundle.program_checks import FRAME, measure_tensors

Array = npt.NDArray[Any]

_TAPS = {"convolution": 9, "transposed": 4, "head": 1}
"""Products per input plane that meet in one pixel at most; of a transposed 3×3 with stride 2, every second tap."""

_FRAMES_AT_ONCE = 2
"""Each takes gigabytes where a network is wide."""


@dataclass(frozen=True)
class Evaluation:
    """Logits of a batch.

    Attributes:
        logits: float64 (N, 1, H, W), of the float32 weights without rounding.
        bounds: float64 (N, 1, H, W): no float32 evaluation is farther from them (see `rounding_bounds`).
    """

    logits: Array
    bounds: Array

    def decide(self, threshold: float) -> Array:
        """Return the mask, uint8 (N, H, W)."""
        return np.asarray(~(self.logits[:, 0] < threshold), np.uint8)

    def find_undecided(self, threshold: float) -> npt.NDArray[np.bool_]:
        """Return the pixels (N, H, W) whose mask rounding may turn."""
        # Not "≤ bound": a bound that is NaN decides nothing.
        return np.asarray(~(np.abs(self.logits[:, 0] - threshold) > self.bounds[:, 0]))


def evaluate_program(program: Program, frames: Array) -> Evaluation:
    """Run a program.

    Args:
        program: Of any network.
        frames: Grey values (N, H, W), of any size that its strides divide.

    Raises:
        ProgramFault: If they do not.
    """
    with ThreadPoolExecutor(
        _FRAMES_AT_ONCE
    ) as pool:  # NumPy lets go of the interpreter's lock on large planes
        balls = list(pool.map(lambda frame: _FrameEvaluation(program, frame).logits(), frames))
    return Evaluation(
        np.stack([ball.centre for ball in balls])[:, np.newaxis],
        np.stack([ball.radius for ball in balls])[:, np.newaxis],
    )


class _FrameEvaluation:
    """One frame's planes, computed on demand."""

    def __init__(self, program: Program, frame: Array) -> None:
        height, width = frame.shape
        self._sizes = measure_tensors(program.info, height, width)
        self._operations = {operation.name: operation for operation in program.info.operations}
        self._weights = program.weights
        self._frame = enclose_frame(frame, program.info.frame_shift)
        self._kept: dict[tuple[str, int], Ball] = {}

    def logits(self) -> Ball:
        return self._plane(next(reversed(self._operations)), 0)

    def _plane(self, tensor: str, channel: int) -> Ball:
        if tensor == FRAME:
            return self._frame
        kept = self._kept.get((tensor, channel))
        if kept is not None:
            return kept
        plane = self._compute(self._operations[tensor], channel)
        if plane.centre.shape != self._frame.centre.shape:
            self._kept[tensor, channel] = plane
        return plane

    def _compute(self, operation: OperationInfo, channel: int) -> Ball:
        sources = self._list_sources(operation, channel)
        terms = _TAPS[operation.kind] * len(sources)
        weight = self._weights[f"{operation.name}.weight"].astype(np.float64)
        kernels = weight if operation.kind == "head" else weight[channel].reshape(-1, 3, 3)
        apply = _choose_sum(operation)
        bias = float(self._weights[f"{operation.name}.bias"][channel])
        total = start_sum(bias, terms, self._sizes[operation.name][1:])
        for (tensor, index), kernel in zip(sources, kernels, strict=True):
            source = self._plane(tensor, index)
            apply(source.centre, kernel, total.centre)
            apply(weigh_radius(source, terms), np.abs(kernel), total.radius)
        return activate(total, terms, operation.negative_slope)

    def _list_sources(self, operation: OperationInfo, channel: int) -> list[tuple[str, int]]:
        """Return the planes that one channel is made of, in the order of its weights."""
        planes = [(name, index) for name in operation.inputs for index in range(self._sizes[name][0])]
        if operation.kind == "head":
            return planes
        if operation.inputs == (FRAME,):
            return planes[:1]
        share = len(planes) // operation.channels
        return planes[channel * share : (channel + 1) * share]


def _choose_sum(operation: OperationInfo) -> Callable[[Array, Array, Array], None]:
    """Return the function (plane, kernel, total) that adds the plane's products to the total."""
    if operation.kind == "head":
        return _add_scaled
    if operation.kind == "transposed":
        return _add_spread
    return partial(_add_window, stride=operation.stride)


def _add_scaled(plane: Array, weight: Array, total: Array) -> None:
    total += weight * plane


def _add_window(plane: Array, kernel: Array, total: Array, *, stride: int) -> None:
    padded = np.pad(plane, 1)
    height, width = total.shape
    for (down, across), weight in np.ndenumerate(kernel):
        total += weight * padded[down::stride, across::stride][:height, :width]


def _add_spread(plane: Array, kernel: Array, total: Array) -> None:
    """Put each pixel times the kernel around twice its place: total[2i − 1 + a] takes plane[i]·kernel[a]."""
    height, width = plane.shape
    for (down, across), weight in np.ndenumerate(kernel):
        # Of the first row and column, the tap before the image is cut off; after the last ones there is room.
        top, left = int(down == 0), int(across == 0)
        rows = slice(2 * top + down - 1, 2 * height + down - 1, 2)
        columns = slice(2 * left + across - 1, 2 * width + across - 1, 2)
        total[rows, columns] += weight * plane[top:, left:]
