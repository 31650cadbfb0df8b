"""Rules for programs: what the `fused` backend may believe when it plans its memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle.manifest import Manifest, OperationInfo, ProgramInfo, StageInfo
from edgekit_runtime.bundle.npz import NpzError, parse_arrays

FRAME = "frame"
"""What operations call the frame, whatever its name in the graph."""

MAX_OPERATIONS = 256
MAX_CHANNELS = 1 << 14
MAX_CHANNELS_IN_ALL = 1 << 16
"""Seven times CheapNet-L's: planning looks at each one, and a manifest of a kilobyte must not take minutes."""

_ROOM_BYTES = 512
"""What surrounds an array in its file: a header of .npy, two of zip; their names come on top."""

_FLOAT32_MAX = 3.4028234663852886e38

Sizes = dict[str, tuple[int, int, int]]
"""Tensor → (channels, height, width)."""


Weights = dict[str, npt.NDArray[np.float32]]
"""NAME.weight and NAME.bias of every operation → array, read-only."""


class ProgramFault(ValueError):
    """A program that contradicts itself; the message says how, in words."""


def find_program_faults(manifest: Manifest) -> Iterator[str]:
    """Yield what is wrong with the programs of a manifest's stages."""
    for stage in manifest.stages:
        if stage.program is None:
            continue
        title = f"the program of stage {stage.name!r}"
        if stage.program.weights not in manifest.files:
            yield f"{title} names the file {stage.program.weights!r}, which is not among the bundle's files"
        fault = _find_place_fault(manifest, stage)
        if fault is not None:
            yield f"{title} {fault}"
            continue
        try:
            measure_tensors(stage.program, manifest.input.height, manifest.input.width)
        except ProgramFault as error:
            yield f"{title} {error}"


def measure_tensors(program: ProgramInfo, height: int, width: int) -> Sizes:
    """Return the size of every tensor of a program, the frame included.

    Raises:
        ProgramFault: If the operations do not fit together.
    """
    if not 1 <= len(program.operations) <= MAX_OPERATIONS:
        raise ProgramFault(f"has {len(program.operations)} operations, 1 to {MAX_OPERATIONS} are allowed")
    if not abs(program.frame_shift) <= _FLOAT32_MAX:
        raise ProgramFault(f"has the frame_shift {program.frame_shift}, beyond float32")
    sizes: Sizes = {FRAME: (1, height, width)}
    for index, operation in enumerate(program.operations):
        if operation.name in sizes or not operation.name:
            raise ProgramFault(f"gives the name {operation.name[:64]!r} to two tensors, or to none")
        last = index == len(program.operations) - 1
        if last != (operation.kind == "head"):
            raise ProgramFault("must end with its head, and have one only")
        sizes[operation.name] = size = _measure(operation, sizes)
        # A doubling that a later halving takes back would ask for memory without end.
        if size[1] > height or size[2] > width:
            raise ProgramFault(
                f"has {operation.name[:64]!r} of {size[1]}×{size[2]} pixels, more than the frame"
            )
    channels = sum(operation.channels for operation in program.operations)
    if channels > MAX_CHANNELS_IN_ALL:
        raise ProgramFault(f"has {channels} channels in all, at most {MAX_CHANNELS_IN_ALL} are allowed")
    if sizes[program.operations[-1].name] != (1, height, width):
        raise ProgramFault("has a head of another size than the frame")
    return sizes


def count_weights(operation: OperationInfo, sizes: Mapping[str, tuple[int, int, int]]) -> tuple[int, ...]:
    """Return the shape of an operation's weight."""
    taken = sum(sizes[name][0] for name in operation.inputs)
    if operation.kind == "head":
        return (taken,)
    if operation.kind == "transposed":
        return (operation.channels, taken // operation.channels, 3, 3)
    return (operation.channels, 3, 3)


def parse_weights(raw: bytes, program: ProgramInfo, sizes: Mapping[str, tuple[int, int, int]]) -> Weights:
    """Return the arrays of a program's file, exactly those that its operations need.

    Args:
        raw: The file's bytes.
        program: What the manifest says.
        sizes: Of its tensors, from `measure_tensors`.

    Raises:
        ProgramFault: If the bytes are no .npz in the one form, or hold other arrays.
    """
    wanted: dict[str, tuple[int, ...]] = {}
    for operation in program.operations:
        wanted[f"{operation.name}.weight"] = count_weights(operation, sizes)
        wanted[f"{operation.name}.bias"] = (operation.channels,)
    most = sum(_ROOM_BYTES + 3 * len(name.encode()) + 4 * math.prod(wanted[name]) for name in wanted)
    if len(raw) > most:  # before a directory of millions of members is read
        raise ProgramFault(f"has {len(raw)} bytes, and its operations need at most {most}")
    try:
        arrays = parse_arrays(raw)
    except NpzError as error:
        raise ProgramFault(str(error)) from error
    for name in sorted(wanted.keys() | arrays.keys()):
        array = arrays.get(name)
        if name not in wanted:
            raise ProgramFault(f"holds {name[:64]!r}, which no operation takes")
        if array is None:
            raise ProgramFault(f"lacks {name[:64]!r}")
        if array.dtype != np.float32 or array.shape != wanted[name]:
            raise ProgramFault(
                f"holds {name[:64]!r} as {array.dtype} {array.shape}, not float32 {wanted[name]}"
            )
    return arrays


def _find_place_fault(manifest: Manifest, stage: StageInfo) -> str | None:
    contract = manifest.input
    if manifest.precision != "fp32":
        return f"computes in float32, and the bundle's precision is {manifest.precision}"
    if len(manifest.stages) != 1 or manifest.model.task != "segment" or len(manifest.model.classes) != 2:
        return "is allowed in a bundle of one stage alone that segments one class of defect"
    if contract.pixels.channels != "grey":
        return "takes grey frames, and the bundle's input is another"
    if len(manifest.thresholds) != 1 or [tensor.name for tensor in stage.inputs] != [
        contract.name,
        manifest.thresholds[0].name,
    ]:
        return "takes the frame and one threshold"
    if [tensor.name for tensor in stage.outputs] != [manifest.mask_output]:
        return "gives the mask and nothing else"
    return None


def _measure(operation: OperationInfo, sizes: Sizes) -> tuple[int, int, int]:
    title = f"{operation.name[:64]!r}"
    unknown = [name for name in operation.inputs if name not in sizes]
    if unknown or not 1 <= len(operation.inputs) <= 2:
        listed = ", ".join(name[:64] for name in operation.inputs[:3])
        raise ProgramFault(f"has {title} take {listed or 'nothing'}, not one or two tensors before it")
    if not 1 <= operation.channels <= MAX_CHANNELS:
        raise ProgramFault(f"has {title} with {operation.channels} channels, 1 to {MAX_CHANNELS} are allowed")
    if not 0 <= operation.negative_slope <= 1:
        raise ProgramFault(f"has {title} with the negative_slope {operation.negative_slope}, outside 0 to 1")
    taken = [sizes[name] for name in operation.inputs]
    channels = sum(size[0] for size in taken)
    height, width = taken[0][1:]
    if any(size[1:] != (height, width) for size in taken):
        raise ProgramFault(f"has {title} join tensors of different sizes")
    if FRAME in operation.inputs and operation.kind != "convolution":
        raise ProgramFault(f"has {title} take the frame, which only a convolution does")
    if operation.kind == "head":
        if operation.channels != 1 or operation.stride != 1:
            raise ProgramFault(f"has the head {title} with other than one channel and stride 1")
        return 1, height, width
    if operation.kind == "transposed":
        if operation.stride != 2 or channels not in (operation.channels, 2 * operation.channels):
            raise ProgramFault(f"has {title} with other than stride 2 and one or two inputs per channel")
        return operation.channels, 2 * height, 2 * width
    return _measure_convolution(operation, channels, height, width)


def _measure_convolution(
    operation: OperationInfo, channels: int, height: int, width: int
) -> tuple[int, int, int]:
    title = f"{operation.name[:64]!r}"
    if len(operation.inputs) != 1 or operation.stride not in (1, 2):
        raise ProgramFault(f"has {title} with other than one input and stride 1 or 2")
    if operation.inputs != (FRAME,) and channels != operation.channels:
        raise ProgramFault(f"has {title} with {operation.channels} channels of {channels}: it is depthwise")
    # Rows are halved column by column pair: an odd width has no such form.
    if (height % 2 or width % 2) and (operation.stride == 2 or operation.inputs == (FRAME,)):
        raise ProgramFault(f"has {title} take {height}×{width} pixels, and both must be even")
    return operation.channels, height // operation.stride, width // operation.stride
