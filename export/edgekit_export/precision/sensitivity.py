"""How much each layer alone loses in int8: which ones to leave in a higher precision first."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from edgekit_export.passes.names import FRAME
from edgekit_export.precision.probing import count_rows
from edgekit_export.precision.simulation import Simulation

Array = npt.NDArray[Any]
Outputs = Mapping[str, Array]

MOST_FRAMES = 4
HIGHEST_SQNR_DB = 20 * math.log10(2**24)
"""What float32's own 24 bits come to, 144.5 dB: a layer whose rounding does not show in the outputs."""


@dataclass(frozen=True)
class Sensitivity:
    """What one layer alone in int8 does to the network.

    Attributes:
        stage: Index of its stage.
        layer: Name of the node.
        sqnr_db: Power of an output over that of its error, in decibels; of the output where that is least.
    """

    stage: int
    layer: str
    sqnr_db: float


def measure_sensitivity(
    stages: Sequence[ir.Model],
    ranges: Sequence[Mapping[str, float]],
    frames: Sequence[Array],
    *,
    answers: bool = False,
) -> tuple[Sensitivity, ...]:
    """Return every layer that can run in int8, the most sensitive first.

    Compared are the logits of a segmenting network, and what goes into the softmax of each exit of a classifying one:
    probabilities near 0 and 1 hide errors.

    Each stage is built once. A frame costs one run in fp32, and for each layer one run of its stage and of those
    after it: on one core 8 s for U-Net (23 layers, 256×256), 33 s for ResNet-50 (54 layers, 512×512).

    Args:
        stages: Graphs in fp32, from the frame to logits or probabilities.
        ranges: Of the tensors of each (see `collect_ranges`).
        frames: (H, W) or (H, W, 3) of the graph's type; the first four count.
        answers: See `find_uses`.
    """
    simulations = [
        Simulation(expose_logits(stage), found, answers=answers)
        for stage, found in zip(stages, ranges, strict=True)
    ]
    powers = [{layer.name: _Powers() for layer in simulation.layers} for simulation in simulations]
    for frame in frames[:MOST_FRAMES]:
        batch = np.repeat(np.asarray(frame)[np.newaxis], count_rows(stages[0]), axis=0)
        _measure_frame(simulations, powers, batch)
    found = [
        Sensitivity(index, name, errors.sqnr_db())
        for index, layers in enumerate(powers)
        for name, errors in layers.items()
    ]
    return tuple(sorted(found, key=lambda item: item.sqnr_db))


def sqnr_db(signal: float, noise: float) -> float:
    """Return the ratio of two powers in decibels, within what float32's own rounding can tell."""
    if noise <= 0:
        return HIGHEST_SQNR_DB
    ratio = 10 * (math.log10(signal) - math.log10(noise)) if signal > 0 else -math.inf
    return max(-HIGHEST_SQNR_DB, min(ratio, HIGHEST_SQNR_DB))


class _Powers:
    """Sums of squares of each output and of its error."""

    def __init__(self) -> None:
        self._signal: dict[str, float] = {}
        self._noise: dict[str, float] = {}

    def add(self, wanted: Outputs, found: Outputs) -> None:
        for name, array in wanted.items():
            exact = array.astype(np.float64)
            self._signal[name] = self._signal.get(name, 0.0) + float(np.sum(exact**2))
            self._noise[name] = self._noise.get(name, 0.0) + float(np.sum((exact - found[name]) ** 2))

    def sqnr_db(self) -> float:
        ratios = [sqnr_db(signal, self._noise[name]) for name, signal in self._signal.items()]
        return min(ratios, default=HIGHEST_SQNR_DB)


def _measure_frame(
    simulations: Sequence[Simulation], powers: Sequence[Mapping[str, _Powers]], batch: Array
) -> None:
    inputs: list[Outputs] = [{FRAME: batch}]
    for simulation in simulations:
        inputs.append(simulation.run(inputs[-1], ()))
    # What reaches a caller, and not what the next stage takes.
    answers = [_answers(outputs, simulations[index + 1 :]) for index, outputs in enumerate(inputs[1:])]
    for index, layers in enumerate(powers):
        for name, errors in layers.items():
            found = _run_from(simulations[index:], inputs[index], name)
            for wanted, outputs in zip(answers[index:], found, strict=True):
                errors.add(wanted, outputs)


def _run_from(simulations: Sequence[Simulation], feeds: Outputs, layer: str) -> Iterator[Outputs]:
    for index, simulation in enumerate(simulations):
        feeds = simulation.run(feeds, (layer,) if index == 0 else ())
        yield feeds


def _answers(outputs: Outputs, later: Collection[Simulation]) -> Outputs:
    carried = {name for simulation in later for name in simulation.inputs}
    return {name: array for name, array in outputs.items() if name not in carried}


def expose_logits(model: ir.Model) -> ir.Model:
    """Return the graph with what goes into a final Softmax as the output in place of what comes out."""
    copy = model.clone()
    for index, output in enumerate(copy.graph.outputs):
        producer = output.producer()
        source = producer.inputs[0] if producer is not None and producer.op_type == "Softmax" else None
        if source is not None and not source.is_graph_output():
            copy.graph.outputs[index] = source
    return copy
