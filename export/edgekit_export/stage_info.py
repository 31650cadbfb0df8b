"""What the manifest says about the input and the stages: what the network states and torch answered.

Not read from the exported graphs: parity compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from edgekit_export.exportable import ExportInput, ExportStage, Normalisation
from edgekit_export.passes.names import FRAME, LOGITS, MASK, THRESHOLD
from edgekit_runtime.bundle import ExitInfo, InputContract, ModelInfo, PixelFormat, StageInfo, TensorInfo
from edgekit_runtime.bundle.contract import Fit, GreyFormula
from edgekit_runtime.errors import UsageProblem

Array = npt.NDArray[Any]


def describe_input(
    contract: ExportInput,
    normalisation: Normalisation,
    *,
    size: tuple[int, int],
    batch: int | None,
    mm_per_pixel: float | None,
    fit: Fit = "refuse",
    bits: int = 8,
    grey: GreyFormula = "equal",
) -> InputContract:
    """Return the frames that the bundle accepts: in the network's own channel order, fitted to this size."""
    return InputContract(
        name=FRAME,
        pixels=PixelFormat(contract.channels, grey, bits, normalisation.scale),
        height=size[0],
        width=size[1],
        multiple=contract.multiple,
        fit=fit,
        overlap=0,
        reach=None,
        batch=batch,
        mm_per_pixel=mm_per_pixel,
    )


def describe_stages(
    stages: Sequence[ExportStage],
    outputs: Mapping[str, Array],
    contract: InputContract,
    model: ModelInfo,
    costs: Sequence[tuple[int, int]],
) -> tuple[StageInfo, ...]:
    """Return one entry per stage.

    Args:
        stages: What the network states.
        outputs: What torch answered, by name; the shapes count.
        contract: The bundle's input.
        model: Its classes must fit the outputs.
        costs: (MACs, bytes of weights) of each stage.

    Raises:
        UsageProblem: If the outputs do not fit the classes, or do not cover the frame.
    """
    _check_answers(stages, outputs, contract, model)
    tensors = {
        name: TensorInfo(name, str(array.dtype), (contract.rows, *array.shape[1:]))
        for name, array in outputs.items()
    }
    mask = TensorInfo(MASK, "uint8", contract.mask_shape)
    infos = []
    for index, (stage, (macs, weight_bytes)) in enumerate(zip(stages, costs, strict=True)):
        inputs = [contract.graph_input] if index == 0 else [tensors[name] for name in stage.inputs]
        answers = [tensors[name] for name in stage.outputs]
        if model.task == "segment" and index == len(stages) - 1:
            inputs.append(TensorInfo(THRESHOLD, "float32", ()))
            answers = [mask]
        info = StageInfo(
            name=stage.name,
            file=f"{stage.name}.onnx",
            inputs=tuple(inputs),
            outputs=tuple(answers),
            carries=stage.carries,
            exit=None if stage.exit is None else ExitInfo(stage.exit.output, stage.exit.threshold),
            macs=macs,
            weight_bytes=weight_bytes,
        )
        infos.append(info)
    return tuple(infos)


def _check_answers(
    stages: Sequence[ExportStage], outputs: Mapping[str, Array], contract: InputContract, model: ModelInfo
) -> None:
    classes = len(model.classes)
    if model.task == "segment":
        channels = 1 if classes == 2 else classes
        wanted: tuple[int, ...] = (channels, contract.height, contract.width)
        shape = outputs[LOGITS].shape[1:]
        # Two classes may also come as two channels.
        if shape not in (wanted, (classes, contract.height, contract.width)):
            raise _misfit(LOGITS, shape, wanted, classes)
        return
    for leave in (stage.exit for stage in stages if stage.exit is not None):
        shape = outputs[leave.output].shape[1:]
        if shape != (classes,):
            raise _misfit(leave.output, shape, (classes,), classes)


def _misfit(name: str, shape: tuple[int, ...], wanted: tuple[int, ...], classes: int) -> UsageProblem:
    return UsageProblem(
        f"With {classes} classes the output {name!r} must be (N, {', '.join(map(str, wanted))}), "
        f"and the network gives (N, {', '.join(map(str, shape))}).",
        remedy="Name every class of the network, the background or defect-free one first.",
    )
