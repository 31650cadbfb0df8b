"""Random programs, and float32 evaluations of them that add in whatever order they are told."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from hypothesis import strategies as st

from edgekit_export.fusing.program import Program
from edgekit_runtime.bundle import OperationInfo, ProgramInfo
from edgekit_runtime.bundle.program_checks import count_weights, measure_tensors

SIZE = (8, 12)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw a program of any width, with strides, joined tensors and slopes of all kinds."""
    width = draw(st.integers(1, 3))
    slopes = st.sampled_from([0.0, 1.0, float(np.float32(0.2))])
    operations: list[OperationInfo] = []

    def add(name: str, kind: str, inputs: tuple[str, ...], stride: int) -> str:
        channels = 1 if kind == "head" else width
        operations.append(OperationInfo(name, kind, inputs, channels, stride, draw(slopes)))
        return name

    top = add("stem", "convolution", ("frame",), 1)
    low = add("down", "convolution", (draw(st.sampled_from(["frame", top])),), 2)
    if draw(st.booleans()):
        low = add("same", "convolution", (low,), 1)
    up = add("up", "transposed", draw(st.sampled_from([(low,), ("down", low)])), 2)
    add("head", "head", draw(st.sampled_from([(up,), (top, up)])), 1)
    shift = draw(st.sampled_from([0.0, 91.5, float(np.float32(0.1))]))
    return fill_program(
        ProgramInfo("main.fused.npz", shift, tuple(operations)),
        seed=draw(st.integers(0, 1 << 16)),
        # With small weights and no bias, products fall below what float32 holds.
        exponent=draw(st.sampled_from([0, 0, 10, -30, -45])),
        bias=draw(st.sampled_from([1.0, 0.0])),
    )


def fill_program(info: ProgramInfo, *, seed: int, exponent: int = 0, bias: float = 1.0) -> Program:
    """Return the program with normal weights times 2 to the exponent, and biases that are larger by a factor."""
    rng = np.random.default_rng(seed)
    sizes = measure_tensors(info, *SIZE)
    weights = {}
    for operation in info.operations:
        for part, shape, factor in (
            ("weight", count_weights(operation, sizes), 1.0),
            ("bias", (operation.channels,), bias),
        ):
            array = rng.normal(size=shape) * 2.0**exponent * factor
            weights[f"{operation.name}.{part}"] = array.astype(np.float32)
    return Program(info, weights)


class ShuffledEvaluation:
    """One frame in float32: terms in random order, grouped at random, with or without fused multiply-add."""

    def __init__(self, program: Program, rng: np.random.Generator) -> None:
        self._program = program
        self._rng = rng

    def run(self, frame: np.ndarray) -> np.ndarray:
        """Return the logits, float32 (H, W)."""
        tensors = {"frame": [frame.astype(np.float32) - np.float32(self._program.info.frame_shift)]}
        for operation in self._program.info.operations:
            bias = self._program.weights[f"{operation.name}.bias"]
            tensors[operation.name] = [
                self._activate(
                    self._add(list(self._terms(operation, channel, tensors)), bias[channel]), operation
                )
                for channel in range(operation.channels)
            ]
        return tensors[self._program.info.operations[-1].name][0]

    def _terms(
        self, operation: OperationInfo, channel: int, tensors: dict[str, list[np.ndarray]]
    ) -> Iterator[tuple[np.float32, np.ndarray]]:
        """Yield each weight with the plane that it is multiplied by."""
        weight = self._program.weights[f"{operation.name}.weight"]
        planes = [plane for name in operation.inputs for plane in tensors[name]]
        if operation.kind == "head":
            yield from zip(weight, planes, strict=True)
        elif operation.kind == "convolution":
            plane = np.pad(planes[channel % len(planes)], 1)
            height, width = (side - 2 for side in plane.shape)
            step = operation.stride
            for (y, x), tap in np.ndenumerate(weight[channel]):
                yield tap, plane[y : y + height : step, x : x + width : step]
        else:
            share = len(planes) // operation.channels
            for index in range(share):
                yield from _transposed_terms(planes[channel * share + index], weight[channel, index])

    def _add(self, terms: list[tuple[np.float32, np.ndarray]], bias: np.float32) -> np.ndarray:
        shape = terms[0][1].shape
        order = self._rng.permutation(len(terms))
        if self._rng.random() < 0.4:
            total = np.full(shape, bias)
            for index in order:
                tap, plane = terms[index]
                # The product of two float32 is exact in float64: one rounding, as in fused multiply-add.
                total = (np.float64(tap) * plane + total).astype(np.float32)
            return total
        parts = [np.full(shape, bias), *(terms[index][0] * terms[index][1] for index in order)]
        while len(parts) > 1:
            first, second = self._rng.choice(len(parts), 2, replace=False)
            added = parts[first] + parts[second]
            parts = [part for index, part in enumerate(parts) if index not in (first, second)] + [added]
        return parts[0]

    @staticmethod
    def _activate(total: np.ndarray, operation: OperationInfo) -> np.ndarray:
        return np.where(total < 0, total * np.float32(operation.negative_slope), total)


def _transposed_terms(plane: np.ndarray, kernel: np.ndarray) -> Iterator[tuple[np.float32, np.ndarray]]:
    """The transposed convolution as an ordinary one: zeros between the pixels, the kernel turned round."""
    height, width = plane.shape
    spread = np.zeros((2 * height, 2 * width), np.float32)
    spread[::2, ::2] = plane
    padded = np.pad(spread, 1)
    for (y, x), tap in np.ndenumerate(kernel[::-1, ::-1]):
        yield tap, padded[y : y + 2 * height, x : x + 2 * width]
