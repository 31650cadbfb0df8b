"""The graphs that peers run: the one that a plain export gives, and those that edgekit's own passes make."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.benching.networks import PeerNetwork
from edgekit_benchmarks.contestants import Frames
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import MissingDependency, UsageProblem
from edgekit_runtime.optional import import_optional
from edgekit_runtime.pixels import widen


@dataclass(frozen=True, eq=False)
class Graph:
    """An ONNX graph and how a call feeds it.

    Attributes:
        name: What it is, in words.
        data: ONNX bytes.
        plain: Takes normalised float32 images and answers logits; otherwise frames and the threshold, and masks.
    """

    name: str
    data: bytes
    plain: bool


def export_plainly(network: PeerNetwork, shape: tuple[int, ...]) -> Graph:
    """Return what `torch.onnx.export(network, (image,))` gives with its own defaults.

    Args:
        network: In eval mode.
        shape: Of the images, (N, C, H, W); the graph is fixed to it, which runtimes like best.

    Raises:
        MissingDependency: If onnx or onnxscript is not installed.
    """
    for package in ("onnx", "onnxscript"):
        import_optional(package, extra="export")
    import torch

    registration = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = registration.level
    registration.setLevel(logging.ERROR)  # "torchvision is not installed" is no news
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore", FutureWarning)  # of torch about itself
            program = torch.onnx.export(network.module, (torch.zeros(shape),), dynamo=True)
    finally:
        registration.setLevel(level)
    if program is None:
        raise UsageProblem("torch.onnx.export gave no graph of this network.")
    proto = program.model_proto
    opset = next(entry.version for entry in proto.opset_import if not entry.domain)
    return Graph(
        f"plain torch.onnx.export (torch {torch.__version__}, opset {opset})", proto.SerializeToString(), True
    )


def read_own_graphs(bundle: Bundle, batch: int) -> dict[str, Graph]:
    """Return the bundle's own graph, and the same with transposed convolutions rewritten where that can be done.

    Args:
        bundle: Of one stage.
        batch: Frames per call; a graph that is fixed to another number gives none.
    """
    contract = bundle.manifest.input
    if contract.batch not in (None, batch):
        return {}
    data = bundle.read(bundle.manifest.stages[0].file)
    graphs = {"bundle": Graph("the bundle's own graph: frames in, masks out, BatchNorm folded", data, False)}
    rewritten = _rewrite_subpixel(data)
    if rewritten is not None:
        graphs["subpixel"] = Graph(
            "the bundle's own graph, transposed convolutions rewritten as convolutions and pixel shuffles",
            rewritten,
            False,
        )
    return graphs


def _rewrite_subpixel(data: bytes) -> bytes | None:
    """Apply `--rewrite subpixel` to a finished graph; None where it has nothing to rewrite, or onnx is missing."""
    try:
        for package in ("onnx", "onnx_ir"):
            import_optional(package, extra="export")
    except MissingDependency:
        return None
    from onnx_ir.passes import PreconditionError

    from edgekit_export.graph_io import from_bytes, infer_shapes, to_bytes
    from edgekit_export.passes.subpixel import Subpixel

    model = from_bytes(data)
    if not any(node.op_type == "ConvTranspose" for node in model.graph):
        return None
    graph_pass = Subpixel()
    try:
        graph_pass.requires(model)
    except PreconditionError:
        return None
    graph_pass.call(model)
    graph_pass.ensures(model)
    return to_bytes(infer_shapes(model))


def feed_frames(bundle: Bundle, frames: Frames, thresholds: Mapping[str, float]) -> Mapping[str, Any]:
    """Return what the bundle's own graph takes: frames in its type, and thresholds by name."""
    scalars = {name: np.array(value, np.float32) for name, value in thresholds.items()}
    contract = bundle.manifest.input
    return {contract.name: widen(frames, contract.pixels), **scalars}
