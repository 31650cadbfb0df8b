"""Engines as a bundle holds them."""

from __future__ import annotations

from edgekit_export.compiling.compile_check import CompiledStage
from edgekit_runtime.backends.tensorrt.library import TENSORRT_RTX
from edgekit_runtime.bundle.manifest import BATCH, EngineInfo

ENGINE_SUFFIX = ".rtx.engine"


def describe_engine(compiled: CompiledStage) -> tuple[EngineInfo, bytes]:
    """Return what the manifest says about a stage's engine, and the bytes of its file.

    That the engine loads cannot be tried here: deserialising needs a GPU.
    """
    engine, info = compiled.engine, compiled.info
    if engine.batches is not None:
        smallest, tuned, largest = engine.batches.smallest, engine.batches.tuned, engine.batches.largest
    else:
        rows = next(tensor.shape[0] for tensor in info.inputs if tensor.shape)
        assert rows != BATCH
        smallest = tuned = largest = int(rows)
    described = EngineInfo(
        file=f"{info.name}{ENGINE_SUFFIX}",
        builder=TENSORRT_RTX.builder,
        version=engine.version,
        targets=engine.targets,
        min_batch=smallest,
        tuned_batch=tuned,
        max_batch=largest,
    )
    return described, engine.plan
