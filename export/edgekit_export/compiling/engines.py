"""Engines as a bundle holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from edgekit_export.compiling.compile_check import (
    CompileCheck,
    CompiledStage,
    compile_stages,
    make_check,
    require_no_faults,
)
from edgekit_runtime.backends.tensorrt.compute_capability import DEFAULT_TARGETS
from edgekit_runtime.backends.tensorrt.nvidia_library import TENSORRT_RTX
from edgekit_runtime.backends.tensorrt.profiles import Batches
from edgekit_runtime.bundle.contract import BATCH
from edgekit_runtime.bundle.manifest import EngineInfo, StageInfo

ENGINE_SUFFIX = ".rtx.engine"

DEFAULT_BATCHES = Batches(1, 4, 16)
"""Where the batch is dynamic and nobody says: DI-Net's cameras are 14."""


@dataclass(frozen=True)
class BundleEngines:
    """An engine for every stage of a bundle.

    Attributes:
        stages: As the manifest describes them, with their engines.
        files: File name → engine.
        check: What the compiler made of the graphs.
    """

    stages: tuple[StageInfo, ...]
    files: Mapping[str, bytes] = field(repr=False)
    check: CompileCheck


def add_engines(
    stages: Sequence[StageInfo],
    graphs: Sequence[bytes],
    *,
    targets: Sequence[int] = DEFAULT_TARGETS,
    batches: Batches = DEFAULT_BATCHES,
) -> BundleEngines:
    """Compile every stage and return the bundle's engines.

    Args:
        stages: As the manifest describes them.
        graphs: Their ONNX bytes.
        targets: Compute capabilities; one engine serves them all.
        batches: Which batches engines take where the batch is dynamic; else the fixed one counts.

    Raises:
        UsageProblem: If the compiler does not take the targets.
        ArtefactRefused: If a graph cannot be compiled.
        GateFailed: If a node did not get the precision that its graph asks for.
        MissingDependency: If TensorRT-RTX is not installed.
    """
    is_dynamic = any(BATCH in tensor.shape for stage in stages for tensor in stage.inputs)
    compiled = compile_stages(
        list(zip(stages, graphs, strict=True)), targets=targets, batches=batches if is_dynamic else None
    )
    check = make_check(compiled)
    require_no_faults(check)
    described = [describe_engine(stage) for stage in compiled]
    return BundleEngines(
        tuple(replace(stage, engines=(info,)) for stage, (info, _) in zip(stages, described, strict=True)),
        {info.file: plan for info, plan in described},
        check,
    )


def describe_engine(compiled: CompiledStage) -> tuple[EngineInfo, bytes]:
    """Return what the manifest says about a stage's engine, and the bytes of its file.

    That the engine loads cannot be tried here: deserialising needs a GPU.
    """
    engine, info = compiled.engine, compiled.info
    batches = engine.batches
    if batches is None:
        rows = next(int(tensor.shape[0]) for tensor in info.inputs if tensor.shape)
        batches = Batches(rows, rows, rows)
    described = EngineInfo(
        file=f"{info.name}{ENGINE_SUFFIX}",
        builder=TENSORRT_RTX.builder,
        version=engine.version,
        targets=engine.targets,
        min_batch=batches.smallest,
        tuned_batch=batches.tuned,
        max_batch=batches.largest,
    )
    return described, engine.plan
