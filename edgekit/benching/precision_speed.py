"""Is a lower precision faster on this machine's CPU? Measured, because it often is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit_benchmarks.interleaving import measure_interleaved, plan_rounds
from edgekit_benchmarks.ratios import Ratio, measure_ratio
from edgekit_benchmarks.sampling import warm_up
from edgekit_runtime.optional import import_optional
from edgekit_runtime.platforms import count_usable_cores

SECONDS = 4.0
"""An export that takes longer for this would be stopped by people."""

WARM_UP_S = 1.0
SAMPLES = 44


@dataclass(frozen=True)
class PrecisionSpeed:
    """The time of two chains of graphs on the CPU by ONNX Runtime.

    Attributes:
        fp32_ms: Median of the graphs in fp32.
        lowered_ms: Median of the lowered ones.
        ratio: fp32 over lowered: above 1 the lower precision is the faster one.
    """

    fp32_ms: float
    lowered_ms: float
    ratio: Ratio

    def describe(self, precision: str, *, has_program: bool) -> str:
        """Return the finding, and what follows from it, in a sentence or two.

        Args:
            precision: The lower one.
            has_program: Whether the backend `fused` runs the network in fp32, several times faster than ONNX Runtime.
        """
        times = f"{precision} {self.lowered_ms:.2f} ms, fp32 {self.fp32_ms:.2f} ms"
        finding = (
            f"On this CPU (onnxruntime) {precision} is {self._verdict()}: {times} ({self.ratio.median:.2f} times as "
            f"fast, 95 % interval {self.ratio.low:.2f} to {self.ratio.high:.2f})."
        )
        if has_program:
            return f"{finding} In fp32 the backend fused runs this network, faster than both: for CPUs export in fp32."
        return finding if self.ratio.low > 1 else f"{finding} For CPUs like this one export in fp32."

    def _verdict(self) -> str:
        if self.ratio.low > 1:
            return "faster"
        return "slower" if self.ratio.high < 1 else "no faster, as far as can be told"


def compare_precisions(
    fp32: Sequence[bytes], lowered: Sequence[bytes], inputs: Mapping[str, Any], *, seconds: float = SECONDS
) -> PrecisionSpeed:
    """Time two chains of graphs in turn.

    Args:
        fp32: ONNX bytes of every stage.
        lowered: The same stages in the lower precision.
        inputs: Frames and thresholds by name; every stage's outputs are there for the next one.
        seconds: How long.

    Raises:
        MissingDependency: If onnxruntime is not installed.
    """
    calls = {name: make_chain(graphs, inputs) for name, graphs in (("fp32", fp32), ("lowered", lowered))}
    slowest_s = max(warm_up(call, limit_s=WARM_UP_S).typical_s for call in calls.values())
    generator = np.random.default_rng(0)
    schedule = plan_rounds(SAMPLES, slowest_s=slowest_s, limit_s=seconds)
    rounds = measure_interleaved(calls, schedule, generator=generator)
    ratio = measure_ratio(rounds["fp32"], rounds["lowered"], generator)
    fp32_ms, lowered_ms = (float(np.median(np.concatenate(rounds[name]))) for name in calls)
    return PrecisionSpeed(fp32_ms, lowered_ms, ratio)


def make_chain(graphs: Sequence[bytes], inputs: Mapping[str, Any]) -> Callable[[int], object]:
    """Return a call that runs stages one after the other in ONNX Runtime, with every core.

    Args:
        graphs: ONNX bytes of every stage.
        inputs: Frames and thresholds by name.

    Raises:
        MissingDependency: If onnxruntime is not installed.
    """
    ort = import_optional("onnxruntime", extra="cpu")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = count_usable_cores()
    # Its threads would spin on for 40 ms after a run, and slow down whoever is measured next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    sessions = [ort.InferenceSession(data, options, providers=["CPUExecutionProvider"]) for data in graphs]
    stages = [
        (session, [item.name for item in session.get_inputs()], [item.name for item in session.get_outputs()])
        for session in sessions
    ]

    def run(_number: int) -> object:
        values: dict[str, Any] = dict(inputs)
        for session, takes, gives in stages:
            answers = session.run(gives, {name: values[name] for name in takes})
            values.update(zip(gives, answers, strict=True))
        return values

    return run
