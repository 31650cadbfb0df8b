"""Torch modules to ONNX graphs, and the reference that exported graphs are held against.

This is the one file of edgekit_export that imports torch. The exporter is `torch.onnx.export(dynamo=True)`:
it is the maintained one, it keeps BatchNormalization as a node of its own when told not to optimise, and it
gave the same graph in every order and process that was tried. What it leaves in the graph (file names and
lines of source, torch's version) is removed by `tidying`.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
import torch

from edgekit_export.exportable import Exportable, ExportInput, ExportStage, Module, Normalisation
from edgekit_export.graph_io import shape_of
from edgekit_export.tidying import tidy_graph
from edgekit_runtime.bundle.contract import BATCH
from edgekit_runtime.errors import CheckpointError, UsageProblem

Array = npt.NDArray[Any]

OPSET = 18
"""The lowest opset that the exporter writes without converting; TensorRT 10.3 (JetPack 6) reads up to 20."""

_EXAMPLE_ROWS = 2
"""Rows of the example of a dynamic batch: torch.export takes 0 and 1 for constants."""


def version() -> str:
    """Return torch's version without its build tag."""
    return str(torch.__version__).split("+", maxsplit=1)[0]


def is_exportable(model: object) -> bool:
    """Tell whether the object is a torch module with the attributes of `Exportable`."""
    return isinstance(model, torch.nn.Module) and isinstance(model, Exportable)


def check_finite(model: Module) -> None:
    """Refuse NaN and infinite weights.

    Raises:
        CheckpointError: Naming the first parameter or buffer that has one.
    """
    tensors = [*model.named_parameters(), *model.named_buffers()]
    for name, tensor in tensors:
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            count = int((~torch.isfinite(tensor)).sum())
            raise CheckpointError(
                f"The weight {name!r} holds {count} values that are NaN or infinite.",
                remedy="Export an earlier checkpoint, and train with a lower learning rate.",
            )


def copy_model(model: Module) -> Module:
    """Return an independent float32 copy on the CPU in inference mode; the caller's module is left as it is.

    Raises:
        UsageProblem: If the module cannot be copied.
    """
    try:
        copied = copy.deepcopy(model)
    except RuntimeError as error:
        raise UsageProblem(
            f"The network cannot be copied: {error}",
            remedy="Do not keep tensors with gradients as attributes of the module.",
        ) from error
    return copied.cpu().float().eval().requires_grad_(requires_grad=False)


class Reference:
    """The torch network itself, stage after stage, as the judge of what was exported.

    Args:
        model: An exportable; it is copied.
        normalisation: What the network was trained with.
        double: Run in float64, to measure how much float32 rounds.
        threads: Threads per run; 1 makes the order of sums the same on every machine of one kind.
    """

    def __init__(
        self, model: Module, normalisation: Normalisation, *, double: bool = False, threads: int | None = 1
    ) -> None:
        copied = copy_model(model)
        self._dtype = torch.float64 if double else torch.float32
        self._threads = threads
        self._normalisation = normalisation
        self.input: ExportInput = copied.export_input()
        self.stages = _ready_stages(copied.to(self._dtype))

    def run(self, frames: Array) -> dict[str, Array]:
        """Return every output of every stage by name, for frames (N, H, W) or (N, H, W, 3) of the graph's type.

        Frames run one by one, so that a network that mixes the rows of a batch does not pass.
        """
        with _quiet_torch(self._threads, self._dtype):
            parts = [self._run_frame(frame) for frame in frames]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def run_if_possible(self, frames: Array) -> dict[str, Array] | None:
        """Return what `run` returns, or None where torch refuses: a forward may fix its dtype."""
        try:
            return self.run(frames)
        except RuntimeError:
            return None

    def _run_frame(self, frame: Array) -> dict[str, Array]:
        values: dict[str, torch.Tensor] = {}
        results: dict[str, Array] = {}
        image = self._normalise(frame)
        for index, stage in enumerate(self.stages):
            inputs = (image,) if index == 0 else tuple(values[name] for name in stage.inputs)
            values = _call_stage(stage, inputs)
            results.update({name: tensor.numpy() for name, tensor in values.items()})
        return results

    def _normalise(self, frame: Array) -> torch.Tensor:
        image = torch.from_numpy(np.array(frame)).to(self._dtype)
        image = image[None, None] if image.ndim == 2 else image.permute(2, 0, 1)[None]
        mean = torch.tensor(self._normalisation.mean, dtype=self._dtype).reshape(1, -1, 1, 1)
        std = torch.tensor(self._normalisation.std, dtype=self._dtype).reshape(1, -1, 1, 1)
        return (image / self._normalisation.scale - mean) / std


def read_contract(model: Module) -> tuple[ExportInput, tuple[ExportStage, ...]]:
    """Return what the model says about itself, asked of a copy."""
    copied = copy_model(model)
    return copied.export_input(), tuple(copied.stages())


def trace_stages(model: Module, *, size: tuple[int, int], batch: int | None) -> list[ir.Model]:
    """Return one graph per stage, before any rewrite.

    Args:
        model: An exportable; it is copied.
        size: (height, width) of the image.
        batch: Rows that the graphs are fixed to; None leaves the batch dynamic, under the symbol "N".

    Raises:
        UsageProblem: If torch cannot trace a stage.
    """
    copied = copy_model(model)
    channels = 1 if copied.export_input().channels == "grey" else 3
    rows = batch or _EXAMPLE_ROWS
    graphs = []
    with _quiet_torch(None, torch.float32):
        stages = _ready_stages(copied)
        inputs: tuple[torch.Tensor, ...] = (torch.zeros(rows, channels, *size),)
        for stage, following in zip(stages, (*stages[1:], None), strict=True):
            graphs.append(tidy_graph(_trace(stage, inputs, dynamic=batch is None), stage))
            if following is not None:
                values = _call_stage(stage, inputs)
                inputs = tuple(values[name] for name in following.inputs)
    return graphs


def _ready_stages(copied: Module) -> tuple[ExportStage, ...]:
    stages = tuple(copied.stages())
    for stage in stages:
        # A wrapper that stages() has just built is in training mode, whatever its parts are.
        stage.module.eval()
    return stages


def _call_stage(stage: ExportStage, inputs: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        answer = stage.module(*inputs)
    tensors = (answer,) if isinstance(answer, torch.Tensor) else tuple(answer)
    if len(tensors) != len(stage.outputs):
        raise UsageProblem(
            f"Stage {stage.name!r} names {len(stage.outputs)} outputs ({', '.join(stage.outputs)}) "
            f"and its forward returns {len(tensors)}.",
            remedy="Name every tensor that forward returns, in its order.",
        )
    for name, tensor in zip(stage.outputs, tensors, strict=True):
        if not tensor.is_floating_point() or tensor.ndim < 2 or len(tensor) != len(inputs[0]):
            raise UsageProblem(
                f"The output {name!r} of stage {stage.name!r} must be float with one row per image, "
                f"got {tensor.dtype} {tuple(tensor.shape)}.",
                remedy="Leave thresholds and class indices to the export, and keep the batch as first axis.",
            )
    return dict(zip(stage.outputs, tensors, strict=True))


def _trace(stage: ExportStage, inputs: Sequence[torch.Tensor], *, dynamic: bool) -> ir.Model:
    batch = torch.export.Dim(BATCH)
    shapes = tuple({0: batch} for _ in inputs) if dynamic else None
    try:
        program = torch.onnx.export(
            stage.module,
            tuple(inputs),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(stage.inputs),
            output_names=list(stage.outputs),
            dynamic_shapes=shapes,
            # The exporter's own optimiser folds BatchNormalization in float32; our passes do it in float64,
            # verified.
            optimize=False,
            verbose=False,
        )
    except torch.onnx.errors.OnnxExporterError as error:
        raise _untraceable(stage, dynamic, _cause(error)) from error
    if program is None:
        raise _untraceable(stage, dynamic, "it gave no graph")
    model: ir.Model = ir.from_proto(program.model_proto)
    tensors = (*model.graph.inputs, *model.graph.outputs)
    fixed = [str(value.name) for value in tensors if shape_of(value)[:1] != (BATCH,)]
    if dynamic and fixed:
        # torch does not complain about this; it writes the rows of the example into the graph.
        raise _untraceable(stage, dynamic, f"its forward fixes the batch of {', '.join(fixed)}")
    return model


def _untraceable(stage: ExportStage, dynamic: bool, reason: str) -> UsageProblem:
    batch = "dynamic" if dynamic else "fixed"
    return UsageProblem(
        f"torch cannot trace stage {stage.name!r} with a {batch} batch: {reason}.",
        remedy="Export with a fixed batch (--batch 1)."
        if dynamic
        else "The forward may only use operations that torch.onnx.export supports.",
    )


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


@contextmanager
def _quiet_torch(threads: int | None, dtype: torch.dtype) -> Iterator[None]:
    """Run with torch's defaults and without its chatter, and put the caller's settings back."""
    settings = torch.get_default_dtype(), torch.get_num_threads(), torch.get_rng_state()
    # "torchvision is not installed" is no news: nothing here needs it.
    registration = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = registration.level
    try:
        torch.set_default_dtype(dtype)
        if threads is not None:
            torch.set_num_threads(threads)
        registration.setLevel(logging.ERROR)
        with torch.no_grad(), warnings.catch_warnings():
            # torch 2.13 copies its own tree specs with a class that it has deprecated itself.
            warnings.filterwarnings(
                "ignore", message=r"`isinstance\(treespec, LeafSpec\)`", category=FutureWarning
            )
            yield
    finally:
        registration.setLevel(level)
        torch.set_rng_state(settings[2])
        torch.set_num_threads(settings[1])
        torch.set_default_dtype(settings[0])
