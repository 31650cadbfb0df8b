"""The compile check: what TensorRT-RTX makes of a bundle's graphs, without a GPU.

It shows that the graphs compile, what was fused, and which precision each node with weights got. It says nothing of
Jetson, for which another TensorRT compiles, and nothing of speed, which only a GPU can tell.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import onnx

from edgekit_export.compiling.layer_roles import find_role, is_generated
from edgekit_export.compiling.lowering_rule import AskedNode, Level, is_expected, is_lost, list_asked, rank
from edgekit_runtime.backends.tensorrt.build_log import BuildLog, EngineLayer, EngineTensor
from edgekit_runtime.backends.tensorrt.building import BuiltEngine, build_engine
from edgekit_runtime.backends.tensorrt.compute_capability import DEFAULT_TARGETS
from edgekit_runtime.backends.tensorrt.nvidia_library import TENSORRT_RTX
from edgekit_runtime.backends.tensorrt.profiles import Batches
from edgekit_runtime.bundle.manifest import StageInfo
from edgekit_runtime.errors import GateFailed

_LEVELS: Mapping[str, Level] = {"Int8": "int8", "Half": "fp16", "Float": "fp32"}


@dataclass(frozen=True)
class NodePrecision:
    """What a node with weights asked for and got.

    Attributes:
        node: Name in the graph.
        operator: Such as "Conv".
        asked: By the graph.
        achieved: By the layer that computes it; None where no layer names the node.
        layer: That layer's name; "" where there is none.
    """

    node: str
    operator: str
    asked: Level
    achieved: Level | None
    layer: str


@dataclass(frozen=True)
class StageReport:
    """What became of one graph.

    Attributes:
        stage: Its name.
        nodes: ONNX nodes of the graph.
        layers: Layers of the engine.
        kinds: TensorRT's kind of layer → how many.
        roles: What layers are there for (see `layer_roles`) → how many.
        types: Types that go in and come out, such as "Int8 → Float" → how many layers.
        outputs: Output → TensorRT's type, such as "UInt8".
        precisions: Of every node with weights.
        engine_bytes: Size of the engine.
        faults: What the compiler was asked for and did not do though it can, in words.
    """

    stage: str
    nodes: int
    layers: int
    kinds: dict[str, int]
    roles: dict[str, int]
    types: dict[str, int]
    outputs: dict[str, str]
    precisions: tuple[NodePrecision, ...]
    engine_bytes: int
    faults: tuple[str, ...]


@dataclass(frozen=True)
class CompiledStage:
    """A stage, its engine, and what was found out about it."""

    info: StageInfo
    engine: BuiltEngine
    report: StageReport


@dataclass(frozen=True)
class CompileCheck:
    """What became of all graphs of a bundle.

    Attributes:
        compiler: Name and release.
        targets: Compute capabilities, all in one engine.
        stages: One report each.
    """

    compiler: str
    targets: tuple[int, ...]
    stages: tuple[StageReport, ...]

    @property
    def faults(self) -> tuple[str, ...]:
        """Those of every stage."""
        return tuple(fault for stage in self.stages for fault in stage.faults)


def compile_stages(
    stages: Sequence[tuple[StageInfo, bytes]],
    *,
    targets: Sequence[int] = DEFAULT_TARGETS,
    batches: Batches | None = None,
) -> tuple[CompiledStage, ...]:
    """Compile every stage.

    Args:
        stages: As the manifest describes them, each with the ONNX bytes of its graph.
        targets: Compute capabilities; one engine serves them all.
        batches: Which batches the engines take, where the batch is dynamic.

    Raises:
        UsageProblem: If targets or batches are none that the compiler and the graphs take.
        ArtefactRefused: If a graph cannot be compiled.
        MissingDependency: If TensorRT-RTX is not installed.
    """
    compiled = []
    for info, graph in stages:
        engine = build_engine(
            graph, info.inputs, targets=targets, batches=batches, stage=f"stage {info.name!r}"
        )
        report = make_report(info.name, graph, engine.log, len(engine.plan), engine.targets)
        compiled.append(CompiledStage(info, engine, report))
    return tuple(compiled)


def make_check(compiled: Sequence[CompiledStage]) -> CompileCheck:
    """Return what became of all stages, of which there is at least one."""
    engine = compiled[0].engine
    return CompileCheck(
        f"{TENSORRT_RTX.title} {engine.version}", engine.targets, tuple(stage.report for stage in compiled)
    )


def require_no_faults(check: CompileCheck) -> None:
    """Refuse engines that are not what the graphs ask for.

    Raises:
        GateFailed: Naming the first layer.
    """
    if check.faults:
        more = f" ({len(check.faults)} nodes in all)" if len(check.faults) > 1 else ""
        raise GateFailed(
            f"{check.compiler} did not compile what was asked for: {check.faults[0]}{more}.",
            remedy="Leave this layer in a higher precision, or export without engines and report it.",
        )


def make_report(
    stage: str, graph: bytes, log: BuildLog, engine_bytes: int, targets: Sequence[int]
) -> StageReport:
    """Return what became of one graph, given the log of its build."""
    model = onnx.ModelProto.FromString(graph)
    operators = {node.name: node.op_type for node in model.graph.node}
    found = [(node, _find_precision(node, log.layers)) for node in list_asked(model)]
    return StageReport(
        stage=stage,
        nodes=len(model.graph.node),
        layers=len(log.layers),
        kinds=_count(layer.kind for layer in log.layers),
        roles=_count(find_role(layer, operators) for layer in log.layers),
        types=_count(_describe_types(layer) for layer in log.layers if layer.outputs),
        outputs={tensor.name: tensor.dtype for tensor in log.outputs},
        precisions=tuple(precision for _, precision in found),
        engine_bytes=engine_bytes,
        faults=tuple(
            f"stage {stage!r}, {_describe_fault(precision)}"
            for node, precision in found
            if is_expected(node, targets) and is_lost(precision.achieved, node.asked)
        ),
    )


def _describe_fault(precision: NodePrecision) -> str:
    found = "and no layer names it"
    if precision.achieved is not None:
        found = f"and its layer {precision.layer!r} works in {precision.achieved}"
    return f"{precision.operator} {precision.node!r} was to work in {precision.asked}, {found}"


def _find_precision(node: AskedNode, layers: Sequence[EngineLayer]) -> NodePrecision:
    """Find the layer that computes a node: kernels around it name it too, where they pad, scale or activate."""
    naming = [layer for layer in layers if node.name in layer.onnx_nodes]
    computing = [layer for layer in naming if not is_generated(layer)]
    # A small product may be a generated kernel: the one that holds the weights.
    for layer in computing or sorted(naming, key=_count_weights, reverse=True):
        level = _find_generated_level(layer) if is_generated(layer) else _find_level(layer)
        if level is not None:
            return NodePrecision(node.name, node.operator, node.asked, level, layer.name)
    return NodePrecision(node.name, node.operator, node.asked, None, "")


def _find_level(layer: EngineLayer) -> Level | None:
    """Return what a convolution or a product works in; None where the layer does no arithmetic.

    It works in int8 if both data and weights are int8: what is added to its sums may be of another type.
    """
    taken = [_LEVELS[tensor.dtype] for tensor in layer.inputs if tensor.dtype in _LEVELS]
    held = [_LEVELS[tensor.dtype] for tensor in _list_weights(layer) if tensor.dtype in _LEVELS]
    if not taken:
        return None
    return min([max(taken, key=rank), *held[:1]], key=rank)


def _find_generated_level(layer: EngineLayer) -> Level | None:
    """Return what a generated kernel works in: the type of its weights, for it may cast its data itself.

    int8 is made a float there before it is multiplied.
    """
    tensors = [*_list_weights(layer), *layer.inputs]
    return next((_LEVELS[tensor.dtype] for tensor in tensors if tensor.dtype in ("Half", "Float")), None)


def _list_weights(layer: EngineLayer) -> list[EngineTensor]:
    """Return the constants, the largest first: scales and biases have one number per channel."""
    return sorted(layer.constants, key=lambda constant: -math.prod(constant.shape))


def _count_weights(layer: EngineLayer) -> int:
    return max((math.prod(constant.shape) for constant in layer.constants), default=0)


def _describe_types(layer: EngineLayer) -> str:
    sides = (layer.inputs or layer.constants, layer.outputs)
    return " → ".join("+".join(sorted({tensor.dtype for tensor in side})) or "nothing" for side in sides)


def _count(items: Iterator[str]) -> dict[str, int]:
    return dict(sorted(Counter(items).items()))
