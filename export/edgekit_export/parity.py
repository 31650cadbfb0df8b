"""Does the exported bundle answer like the torch network? Names, shapes, values, masks.

The graphs are read and run by ONNX Runtime, from the very bytes that go into the bundle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_export.execution import ChainRunner, GraphError
from edgekit_export.graph_io import expose_value
from edgekit_export.passes.names import LOGITS, MASK, THRESHOLD
from edgekit_export.rounding import root_mean_square, undecided
from edgekit_runtime.bundle import ParityCheck, StageInfo
from edgekit_runtime.errors import GateFailed
from edgekit_runtime.masks import margins_of, mask_of

Array = npt.NDArray[Any]

QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)
"""Of the logits: thresholds at which a wrong logit turns pixels, whatever the default threshold is."""


MOST_SAMPLES = 3


class ParityFailed(GateFailed):
    """The exported bundle does not answer like the network.

    Attributes:
        checks: The whole table; `render_parity` draws it.
    """

    def __init__(self, checks: Sequence[ParityCheck]) -> None:
        self.checks = tuple(checks)
        failed = [check for check in self.checks if not check.ok]
        named = "; ".join(f"{check.name}: {check.detail}" for check in failed)
        super().__init__(
            f"The exported graph does not answer like the network: {named}.",
            remedy="Nothing was written. Please report this with the network; a fixed --batch may do.",
        )


def choose_frames(samples: Sequence[Array], *, levels: int = 256) -> Array:
    """Return what to compare on: up to three samples, spread over all of them, and a frame of noise.

    A plain texture may leave a channel at rest; noise of all grey levels moves every weight.
    """
    noise = np.random.default_rng(0).integers(0, levels, samples[0].shape, samples[0].dtype)
    return np.stack([*spread(samples, MOST_SAMPLES), noise])


def spread(items: Sequence[Array], most: int) -> list[Array]:
    """Return up to `most` items, evenly spread over all of them, in their order."""
    count = min(most, len(items))
    return [items[index * len(items) // count] for index in range(count)]


@dataclass(frozen=True)
class Expected:
    """What the torch network answered, and how far rounding may move it.

    Attributes:
        frames: (N, H, W) or (N, H, W, 3) in the type of the graph.
        outputs: Output name → float32 array of N rows, for every output of every stage.
        bounds: Output name → largest difference that rounding explains (see `edgekit_export.rounding`).
        rms_bounds: Output name → largest root mean square difference that rounding explains, where known.
    """

    frames: Array
    outputs: dict[str, Array]
    bounds: dict[str, float]
    rms_bounds: dict[str, float] = field(default_factory=dict)


def check_parity(
    stages: Sequence[StageInfo],
    graphs: Sequence[bytes],
    expected: Expected,
    *,
    batch: int | None,
    threshold: float | None,
) -> tuple[ParityCheck, ...]:
    """Compare exported graphs with the torch network.

    Args:
        stages: What the manifest will say about each graph.
        graphs: ONNX bytes of each stage.
        expected: What torch answered.
        batch: Frames per run that the graphs are fixed to; None where the batch is dynamic.
        threshold: Default of a segmenting bundle; None for a classifying one.

    Returns:
        One row per check; all ok where the bundle may be written.
    """
    try:
        chain = ChainRunner(graphs, batch=batch)
        checks = list(check_forms(stages, chain))
        if all(check.ok for check in checks):
            checks += _check_values(graphs, expected, batch, threshold)
            if threshold is not None:
                checks.append(_check_masks(chain, expected, threshold))
    except GraphError as error:
        return (ParityCheck("graphs", False, f"onnxruntime refuses them: {str(error).splitlines()[0]}"),)
    return tuple(checks)


def check_forms(stages: Sequence[StageInfo], chain: ChainRunner) -> Iterator[ParityCheck]:
    """Yield the rows that compare names, dtypes and shapes of graphs with what the manifest will say."""
    for info, runner in zip(stages, chain.stages, strict=True):
        yield from _check_form(info, runner)


def _check_form(info: StageInfo, runner: Any) -> Iterator[ParityCheck]:
    wanted = {tensor.name: (tensor.dtype, tensor.shape) for tensor in (*info.inputs, *info.outputs)}
    found = runner.signature()
    listed = f"{', '.join(runner.input_names)} → {', '.join(runner.output_names)}"
    inputs, outputs = ([item.name for item in side] for side in (info.inputs, info.outputs))
    ok = (list(runner.input_names), list(runner.output_names)) == (inputs, outputs)
    detail = listed if ok else f"{listed}; expected {', '.join(inputs)} → {', '.join(outputs)}"
    yield ParityCheck(f"{info.name}: names", ok, detail)
    wrong = [
        f"{name} is {found[name][0]} {found[name][1]}, expected {form[0]} {form[1]}"
        for name, form in wanted.items()
        if name in found and found[name] != form
    ]
    shapes = ", ".join(f"{name} {dtype} {list(shape)}" for name, (dtype, shape) in found.items())
    yield ParityCheck(f"{info.name}: shapes", not wrong, "; ".join(wrong) or shapes)


def _check_values(
    graphs: Sequence[bytes], expected: Expected, batch: int | None, threshold: float | None
) -> list[ParityCheck]:
    scalars = {}
    if threshold is not None:
        graphs = [*graphs[:-1], expose_value(graphs[-1], LOGITS)]
        scalars = {THRESHOLD: threshold}
    answers = ChainRunner(graphs, batch=batch).run(expected.frames, scalars)
    return [
        compare_values(
            f"values: {name}", wanted, answers[name], expected.bounds[name], expected.rms_bounds.get(name)
        )
        for name, wanted in expected.outputs.items()
    ]


def compare_values(
    title: str, wanted: Array, got: Array, bound: float, rms_bound: float | None
) -> ParityCheck:
    """Return the row that says how far an output is from torch's.

    Args:
        title: Of the row.
        wanted: What torch answered.
        got: What is compared with it.
        bound: Largest difference that passes.
        rms_bound: Largest root mean square difference that passes, where one is known.
    """
    if wanted.shape != got.shape:
        return ParityCheck(title, False, f"shape {got.shape}, torch gives {wanted.shape}")
    if not np.isfinite(wanted).all():
        return ParityCheck(
            title, False, f"torch itself answers NaN or infinity in {np.sum(~np.isfinite(wanted))} places"
        )
    difference = wanted.astype(np.float64) - got
    error, rms = float(np.abs(difference).max(initial=0.0)), root_mean_square(difference)
    cosine = measure_cosine(wanted.astype(np.float64).ravel(), got.astype(np.float64).ravel())
    detail = f"largest error {error:.1e} (rounding explains {bound:.1e})"
    if rms_bound is not None:
        detail += f", root mean square {rms:.1e} ({rms_bound:.1e})"
    # Written so that NaN fails.
    ok = error <= bound and (rms_bound is None or rms <= rms_bound)
    return ParityCheck(title, ok, f"{detail}, cosine {cosine:.6f}")


def measure_cosine(first: Array, second: Array) -> float:
    """Return the cosine of the angle between two vectors; 1 for two zeros."""
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / norms if norms else float(np.array_equal(first, second))


def choose_thresholds(logits: Array, default: float) -> list[float]:
    """Return the thresholds at which masks are compared: the default, and quantiles of the logits."""
    quantiles = np.quantile(margins_of(logits), QUANTILES)
    return [default, *(float(np.float32(value)) for value in quantiles)]


def _check_masks(chain: ChainRunner, expected: Expected, default: float) -> ParityCheck:
    logits, bound = expected.outputs[LOGITS], expected.bounds[LOGITS]
    thresholds = choose_thresholds(logits, default)
    different = near = 0
    for threshold in thresholds:
        mask = chain.run(expected.frames, {THRESHOLD: threshold})[MASK]
        open_pixels = undecided(logits, threshold, bound)
        near += int(open_pixels.sum())
        different += int(((mask != mask_of(logits, threshold)) & ~open_pixels).sum())
    total = len(thresholds) * int(np.prod(mask.shape))
    detail = f"{different} of {total} px differ at {len(thresholds)} thresholds; {near} px are undecided by rounding"
    return ParityCheck("masks", different == 0, detail)


def render_parity(checks: Sequence[ParityCheck]) -> str:
    """Return the table that people read, one line per check."""
    width = max((len(check.name) for check in checks), default=0)
    return "\n".join(f"{'✓' if check.ok else '✗'} {check.name:<{width}}  {check.detail}" for check in checks)
