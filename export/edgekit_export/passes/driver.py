"""Run passes, verify what each promised, and name the one that broke."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes import PostconditionError, PreconditionError

from edgekit_export.execution import GraphError, GraphRunner
from edgekit_export.graph_io import infer_shapes, to_bytes
from edgekit_export.passes.base import Array, Feeds, GraphPass, Tolerance
from edgekit_export.rounding import root_mean_square
from edgekit_runtime.errors import GateFailed, UsageProblem

_DEFECT = "This is a defect of the pass: please report it with the network. Nothing was written."


def run_passes(model: ir.Model, passes: Sequence[GraphPass], feeds: Feeds) -> ir.Model:
    """Apply passes in order to a copy of the model.

    Before each pass its requirements are verified; after it its effects, the validity of the graph, and that
    the graph answers `feeds` as before, within what the pass declares.

    Args:
        model: The graph before the first pass; it is not changed.
        passes: What to apply.
        feeds: What the graph after the LAST pass is fed; passes translate backwards from there.

    Raises:
        UsageProblem: If a pass cannot be applied to this network.
        GateFailed: If a pass broke what it promised.
    """
    feeds_at = [feeds]
    for graph_pass in reversed(passes):
        feeds_at.append(graph_pass.feeds_before(feeds_at[-1]))
    feeds_at.reverse()

    model = infer_shapes(model)
    outputs = _run(model, feeds_at[0])
    for graph_pass, after in zip(passes, feeds_at[1:], strict=True):
        model, outputs = _run_pass(model, graph_pass, outputs, after)
    return model


def _run_pass(model: ir.Model, graph_pass: GraphPass, outputs: Feeds, feeds: Feeds) -> tuple[ir.Model, Feeds]:
    try:
        graph_pass.requires(model)
    except PreconditionError as error:
        raise UsageProblem(
            f"The rewrite {graph_pass.name!r} cannot be applied to this network: {error}.",
            remedy="Leave the rewrite out if it was chosen; otherwise change the network so that it fits.",
        ) from error
    graph_pass.call(model)
    try:
        model = infer_shapes(model)
        graph_pass.ensures(model)
        answers = _run(model, feeds)
    except PostconditionError as error:
        raise _failure(graph_pass, str(error)) from error
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, GraphError) as error:
        raise _failure(graph_pass, f"the graph is not valid any more ({_first_line(error)})") from error
    _compare(graph_pass, graph_pass.expected(outputs, feeds), answers)
    return model, answers


def _run(model: ir.Model, feeds: Feeds) -> Feeds:
    return GraphRunner(to_bytes(model), optimise=False).run(feeds)


def _compare(graph_pass: GraphPass, expected: Feeds, answers: Feeds) -> None:
    if list(expected) != list(answers):
        raise _failure(graph_pass, f"the outputs are {', '.join(answers)}, not {', '.join(expected)}")
    for name, wanted in expected.items():
        got = answers[name]
        if (wanted.dtype, wanted.shape) != (got.dtype, got.shape):
            raise _failure(
                graph_pass, f"{name!r} is {got.dtype} {got.shape}, not {wanted.dtype} {wanted.shape}"
            )
        problem = _difference(wanted, got, graph_pass.tolerance)
        if problem is not None:
            raise _failure(graph_pass, f"{name!r} changed: {problem}")


def _difference(wanted: Array, got: Array, tolerance: Tolerance) -> str | None:
    if tolerance.relative == 0.0:
        if np.array_equal(wanted, got, equal_nan=wanted.dtype.kind == "f"):
            return None
        return f"{np.count_nonzero(wanted != got)} of {wanted.size} values differ and none may"
    finite = np.isfinite(wanted)
    if not np.array_equal(finite, np.isfinite(got)):
        return "values became finite, infinite or NaN"
    if not finite.any():
        return None
    exact = wanted[finite].astype(np.float64)
    size, error = (_measure(values, tolerance) for values in (exact, exact - got[finite]))
    if error <= tolerance.relative * size:
        return None
    return f"by {error:.3g}, and {tolerance.relative:g} of the {tolerance.norm} {size:.3g} is allowed"


def _measure(values: Array, tolerance: Tolerance) -> float:
    return float(np.abs(values).max()) if tolerance.norm == "largest" else root_mean_square(values)


def _failure(graph_pass: GraphPass, what: str) -> GateFailed:
    return GateFailed(f"Pass {graph_pass.name!r} broke the graph: {what}.", remedy=_DEFECT)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
