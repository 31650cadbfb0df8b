"""Run exported graphs with ONNX Runtime, an implementation that shares nothing with the exporter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as _state

Array = npt.NDArray[Any]

_ERRORS_ONLY = 3
_MAX_ROWS = 2
"""Frames per run of a dynamic batch: enough to see rows meet, and wide networks have maps of a gigabyte."""


_FAILURES = (
    _state.EPFail,
    _state.Fail,
    _state.InvalidArgument,
    _state.InvalidGraph,
    _state.InvalidProtobuf,
    _state.NotImplemented,
    _state.RuntimeException,
)


class GraphError(RuntimeError):
    """ONNX Runtime does not load or run the graph."""


class GraphRunner:
    """One graph on the CPU.

    Args:
        data: ONNX bytes.
        optimise: Let ONNX Runtime rewrite the graph, as it does in production; False runs the nodes as they
            stand.
        threads: 1 makes the order of sums, and so the golden outputs, the same on every machine of one kind.
    """

    def __init__(self, data: bytes, *, optimise: bool, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # An arena keeps the most that a run ever took, and an export has several sessions: gigabytes each.
        options.enable_cpu_mem_arena = False
        if not optimise:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except _FAILURES as error:
            raise GraphError(str(error)) from error
        self.input_names = tuple(item.name for item in self._session.get_inputs())
        self.output_names = tuple(item.name for item in self._session.get_outputs())

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Return outputs by name for inputs by name; inputs that the graph does not have are left out."""
        wanted = {name: np.ascontiguousarray(feeds[name]) for name in self.input_names}
        try:
            arrays = self._session.run(list(self.output_names), wanted)
        except _FAILURES as error:
            raise GraphError(str(error)) from error
        return dict(zip(self.output_names, arrays, strict=True))

    def signature(self) -> dict[str, tuple[str, tuple[int | str, ...]]]:
        """Return (dtype, shape) of every input and output, as ONNX Runtime reads the graph."""
        tensors = [*self._session.get_inputs(), *self._session.get_outputs()]
        return {item.name: (_dtype_name(item.type), tuple(item.shape)) for item in tensors}


def _dtype_name(onnx_type: str) -> str:
    element = onnx_type.removeprefix("tensor(").removesuffix(")")
    return {"float": "float32", "double": "float64"}.get(element, element)


class ChainRunner:
    """The stages of a bundle in order, every one of them for every frame.

    Args:
        graphs: ONNX bytes of each stage.
        batch: Frames per run that the graphs were made for; None where it is dynamic.
        threads: See `GraphRunner`.
        optimise: See `GraphRunner`.
    """

    def __init__(
        self, graphs: Sequence[bytes], *, batch: int | None, threads: int = 1, optimise: bool = True
    ) -> None:
        self.stages = tuple(GraphRunner(data, optimise=optimise, threads=threads) for data in graphs)
        self._batch = batch

    def run(self, frames: Array, scalars: Mapping[str, float] | None = None) -> dict[str, Array]:
        """Return every output of every stage by name.

        Args:
            frames: (N, H, W) or (N, H, W, 3) of the graph's type.
            scalars: Thresholds by name.
        """
        numbers = {name: np.array(value, np.float32) for name, value in (scalars or {}).items()}
        parts = [self._run_part(part, numbers) for part in _batches(frames, self._batch)]
        return {name: np.concatenate([part[name] for part in parts])[: len(frames)] for name in parts[0]}

    def _run_part(self, frames: Array, numbers: Mapping[str, Array]) -> dict[str, Array]:
        values: dict[str, Array] = {"frame": frames, **numbers}
        results: dict[str, Array] = {}
        for stage in self.stages:
            outputs = stage.run(values)
            values.update(outputs)
            results.update(outputs)
        return results


def _batches(frames: Array, batch: int | None) -> Iterator[Array]:
    """Yield runs of frames; a fixed batch is filled up with its last frame."""
    rows = batch or min(len(frames), _MAX_ROWS)
    for start in range(0, len(frames), rows):
        part = frames[start : start + rows]
        missing = (batch or len(part)) - len(part)
        if missing:
            part = np.concatenate([part, np.repeat(part[-1:], missing, axis=0)])
        yield part
