"""Rules for the stages of a manifest: every tensor has a source and a meaning, every frame gets an answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from edgekit_runtime.bundle.contract import InputContract, TensorInfo
from edgekit_runtime.bundle.manifest import Manifest, StageInfo

TENSOR_DTYPES = ("bool", "uint8", "int8", "int32", "int64", "float16", "float32")
"""What every backend can take and give; TensorRT has no uint16 and no float64."""

MAX_STAGES = 64
_MAX_SIZE = (1 << 31) - 1
# Stage names become names of engine files on the machine that builds them.
_STAGE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)


def find_stage_faults(manifest: Manifest) -> Iterator[str]:
    """Yield every rule that the stages break, in words."""
    stages = manifest.stages
    if not 1 <= len(stages) <= MAX_STAGES:
        yield f"it has {len(stages)} stages, 1 to {MAX_STAGES} are allowed"
        return
    yield from _find_name_faults(manifest)
    for stage in stages:
        for tensor in (*stage.inputs, *stage.outputs):
            yield from _find_tensor_faults(stage, tensor, manifest.input)
        # Rows are taken along the first axis, so that a scalar can only be a threshold.
        for tensor in stage.outputs:
            if not tensor.shape:
                yield f"the output {tensor.name!r} of stage {stage.name!r} is a scalar, not a row per frame"
        yield from _find_exit_faults(stage, manifest)
        for what, count in (("macs", stage.macs), ("weight_bytes", stage.weight_bytes)):
            if count < 0:
                yield f"stage {stage.name!r} has {what} {count}"
    yield from _find_flow_faults(manifest)
    yield from _find_answer_faults(manifest)


def _find_name_faults(manifest: Manifest) -> Iterator[str]:
    names = [stage.name for stage in manifest.stages]
    yield from find_duplicates("stages", names)
    for stage in manifest.stages:
        if not _STAGE_NAME.fullmatch(stage.name):
            yield f"the stage name {stage.name[:64]!r} must be up to 64 letters, digits, '_', '-' and '.'"
        yield from find_duplicates(
            f"inputs of stage {stage.name!r}", [tensor.name for tensor in stage.inputs]
        )
        yield from find_duplicates(
            f"outputs of stage {stage.name!r}", [tensor.name for tensor in stage.outputs]
        )
        yield from find_duplicates(f"carried tensors of stage {stage.name!r}", list(stage.carries))
    # Results name an output without its stage.
    yield from find_duplicates("answers", [tensor.name for tensor in manifest.answers])


def find_duplicates(what: str, names: Sequence[str]) -> Iterator[str]:
    """Yield a fault for each name that occurs more than once."""
    for name, count in Counter(names).items():
        if count > 1:
            yield f"two {what} have the name {name!r}"


def _find_tensor_faults(stage: StageInfo, tensor: TensorInfo, contract: InputContract) -> Iterator[str]:
    title = f"tensor {tensor.name!r} of stage {stage.name!r}"
    if not tensor.name:
        yield f"a tensor of stage {stage.name!r} has an empty name"
    if tensor.dtype not in TENSOR_DTYPES:
        yield f"{title} has the dtype {tensor.dtype!r}, none of {', '.join(TENSOR_DTYPES)}"
    for size in tensor.shape[1:]:
        if isinstance(size, str) or not 1 <= size <= _MAX_SIZE:
            yield f"{title} has the size {size!r}; after the batch, sizes are 1 to {_MAX_SIZE}"
    if tensor.shape and tensor.shape[0] != contract.rows:
        yield f"{title} starts with {tensor.shape[0]!r}; the batch of this bundle is {contract.rows!r}"


def _find_exit_faults(stage: StageInfo, manifest: Manifest) -> Iterator[str]:
    if stage.exit is None:
        return
    title = f"the exit of stage {stage.name!r}"
    if manifest.model.task == "segment":
        yield f"{title} answers with a class, and this bundle segments"
    if not 0 <= stage.exit.threshold <= 1:
        yield f"{title} has the threshold {stage.exit.threshold}, outside 0 to 1"
    expected = TensorInfo(stage.exit.output, "float32", (manifest.input.rows, len(manifest.model.classes)))
    if expected not in stage.outputs:
        yield f"{title} must be an output {expected.name!r}, float32 {expected.shape}"


def _find_flow_faults(manifest: Manifest) -> Iterator[str]:
    """Every stage takes exactly its thresholds and the frame or what the stage before carries."""
    frame = manifest.input.graph_input
    given, source = {frame.name: frame}, "the frame"
    for stage in manifest.stages:
        scalars = {threshold.name for threshold in manifest.thresholds if threshold.stage == stage.name}
        takes = {tensor.name: tensor for tensor in stage.inputs if tensor.name not in scalars}
        if takes != given:
            yield f"stage {stage.name!r} takes {_list_tensors(takes)}; {source} gives {_list_tensors(given)}"
        outputs = {tensor.name: tensor for tensor in stage.outputs}
        for name in stage.carries:
            if name not in outputs:
                yield f"stage {stage.name!r} carries {name!r}, which is none of its outputs"
        given = {name: outputs[name] for name in stage.carries if name in outputs}
        source = f"stage {stage.name!r}"
    if given:
        yield f"the last stage carries {_list_tensors(given)}, and no stage follows"


def _list_tensors(tensors: dict[str, TensorInfo]) -> str:
    listed = (f"{tensor.name} {tensor.dtype} {tensor.shape}" for _, tensor in sorted(tensors.items()))
    return ", ".join(listed) or "nothing"


def _find_answer_faults(manifest: Manifest) -> Iterator[str]:
    last = manifest.stages[-1]
    if manifest.model.task == "classify" and last.exit is None:
        yield f"the last stage {last.name!r} of a classifying bundle must have an exit"
    if manifest.model.task == "segment" and manifest.mask_output is None:
        yield (
            f"the last stage {last.name!r} of a segmenting bundle must have exactly one mask, "
            f"uint8 {manifest.input.mask_shape}"
        )
