"""The `onnxruntime` backend on the CPU: one inference session per stage, from verified bytes."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from edgekit_runtime.backends.base import Array, Backend, Description, keep_array_rows, name_dtype
from edgekit_runtime.backends.onnx_wire import has_external_data
from edgekit_runtime.backends.onnxruntime_binding import BoundStage
from edgekit_runtime.backends.options import BackendOptions
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.bundle.contract import TensorInfo
from edgekit_runtime.bundle.manifest import StageInfo
from edgekit_runtime.errors import ArtefactRefused, DeviceUnavailable, MissingDependency
from edgekit_runtime.optional import import_optional

_PROVIDER = "CPUExecutionProvider"

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
"""ONNX Runtime's names of the types that cross a stage's border, as NumPy's."""


class OnnxRuntimeCpu(Backend):
    """Runs stages with ONNX Runtime on the CPU; tensors are NumPy arrays.

    A stage that carries tensors on writes them into memory that the backend keeps; the answers of the others are handed
    out as they come.

    Args:
        bundle: An opened bundle.
        options: Without a number of threads, ONNX Runtime takes one per physical core.
    """

    name: ClassVar[str] = "onnxruntime"
    package: ClassVar[str | None] = "onnxruntime"

    def __init__(self, bundle: Bundle, options: BackendOptions) -> None:
        super().__init__(bundle, options)
        self._sessions: dict[str, Any] = {}
        self._bound: dict[str, BoundStage] = {}

    def _open_impl(self) -> None:
        check_single_installation()
        ort = import_optional("onnxruntime", extra="cpu")
        try:
            for stage in self.bundle.manifest.stages:
                session = self._sessions[stage.name] = self._load(ort, stage)
                if stage.carries:
                    self._bound[stage.name] = BoundStage(session, stage)
        except BaseException:
            self._close_impl()
            raise

    def _close_impl(self) -> None:
        self._bound.clear()
        self._sessions.clear()

    def _upload_impl(self, array: Array) -> Array:
        return array

    def _run_impl(self, stage: StageInfo, inputs: Mapping[str, Array]) -> dict[str, Array]:
        bound = self._bound.get(stage.name)
        names = [tensor.name for tensor in stage.outputs]
        try:
            if bound is not None:
                return bound.run(inputs)
            arrays = self._sessions[stage.name].run(names, dict(inputs))
        except MemoryError:
            raise
        except Exception as error:  # ONNX Runtime's errors share no base of their own
            raise ArtefactRefused(
                f"Stage {stage.name!r} failed in ONNX Runtime: {_first_line(error)}"
            ) from error
        return dict(zip(names, arrays, strict=True))

    def _keep_rows_impl(
        self, tensor: Array, count: int, targets: npt.NDArray[np.intp], sources: npt.NDArray[np.intp]
    ) -> Array:
        return keep_array_rows(tensor, count, targets, sources)

    def _download_impl(self, tensor: Array) -> Array:
        # Tensors in kept memory are views of it; what ONNX Runtime hands out is no array's view.
        return tensor.copy() if isinstance(tensor.base, np.ndarray) else tensor

    def _describe_impl(self, tensor: Array) -> Description:
        return name_dtype(tensor.dtype), tensor.shape

    def _load(self, ort: Any, stage: StageInfo) -> Any:
        content = self.bundle.read(stage.file)
        _refuse_external_data(stage, content)
        try:
            session = ort.InferenceSession(content, self._session_options(ort), providers=[_PROVIDER])
        except MemoryError:
            raise
        except Exception as error:  # ONNX Runtime's errors share no base of their own
            raise ArtefactRefused(f"Stage {stage.name!r} cannot be loaded: {_first_line(error)}") from error
        if session.get_providers() != [_PROVIDER]:
            raise DeviceUnavailable(
                f"Stage {stage.name!r} was to run on the CPU, got {session.get_providers()}."
            )
        _check_tensors(stage, "input", stage.inputs, session.get_inputs())
        _check_tensors(stage, "output", stage.outputs, session.get_outputs())
        return session

    def _session_options(self, ort: Any) -> Any:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.options.threads or 0
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        if len(self.bundle.manifest.stages) > 1:
            # A session's threads spin for milliseconds after a run, in wait for the next one: here on the cores that
            # the next stage's session works on. Four stages of mobile-di took half the time without (two busy cores).
            options.add_session_config_entry("session.force_spinning_stop", "1")
            # Another number of rows goes on each time. A plan of memory for every number takes a block of its own, next
            # to what the first run took: 3.0 GB for 14 frames of dinet at 512×512, 2.0 GB without plans, as fast.
            options.enable_mem_pattern = False
        # Bytes that look like ONNX Runtime's own format would be read as such, and were not looked through.
        options.add_session_config_entry("session.load_model_format", "ONNX")
        return options


def check_single_installation() -> None:
    """Raise MissingDependency if onnxruntime and onnxruntime-gpu are both installed.

    They install the same files, so that each damages the other and neither can be relied on.
    """
    found = []
    for name in ("onnxruntime", "onnxruntime-gpu"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    if len(found) == 2:
        raise MissingDependency(
            f"{' and '.join(found)} are both installed; they overwrite each other's files.",
            remedy="Run `pip uninstall -y onnxruntime onnxruntime-gpu`, then install one of edgekit[cpu|gpu].",
        )


def _refuse_external_data(stage: StageInfo, content: bytes) -> None:
    try:
        external = has_external_data(content)
    except ValueError as error:
        raise ArtefactRefused(f"Stage {stage.name!r} is not an ONNX file: {error}.") from error
    if external:
        raise ArtefactRefused(
            f"Stage {stage.name!r} wants weights from outside its file; a bundle's graphs hold their own.",
            remedy="Do not run this bundle. Export it anew with the weights inside the graph.",
        )


def _check_tensors(stage: StageInfo, kind: str, expected: Sequence[TensorInfo], found: Sequence[Any]) -> None:
    want = {tensor.name: tensor for tensor in expected}
    have = {argument.name: argument for argument in found}
    if set(want) != set(have):
        raise ArtefactRefused(
            f"Stage {stage.name!r}: the manifest names the {kind}s {', '.join(sorted(want)) or 'none'}; "
            f"its graph has {', '.join(sorted(have)) or 'none'}."
        )
    for name, tensor in want.items():
        dtype = _DTYPES.get(have[name].type, have[name].type)
        shape = tuple(have[name].shape)
        if dtype != tensor.dtype or not _shapes_agree(tensor.shape, shape):
            raise ArtefactRefused(
                f"Stage {stage.name!r}: the manifest promises {kind} {name!r} as {tensor.dtype} "
                f"{tensor.shape}; its graph has {dtype} {shape}."
            )


def _shapes_agree(promised: tuple[int | str, ...], graph: tuple[Any, ...]) -> bool:
    # A graph's symbolic size may turn out to be any number; every answer is checked for what it was.
    return len(promised) == len(graph) and all(
        have == want or not isinstance(have, int) for want, have in zip(promised, graph, strict=True)
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
