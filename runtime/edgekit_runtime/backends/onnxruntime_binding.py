"""A stage in ONNX Runtime whose outputs stay in memory that is kept between runs (I/O binding).

A feature map is large: 235 MB for 14 frames of 512×512 after the first stage of DI-Net. ONNX Runtime 1.18 copies every
output into a new array (40 ms for this map); 1.20 and later hand out memory of their own, and keep a second block of it
once two answers lived at the same time. Bound memory is written in place, and is as large as the largest batch so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgekit_runtime.backends.base import Array
from edgekit_runtime.bundle.contract import BATCH, TensorInfo
from edgekit_runtime.bundle.manifest import StageInfo


class BoundStage:
    """Runs one session; its outputs are overwritten by the next run.

    Args:
        session: An `onnxruntime.InferenceSession` on the CPU.
        stage: What the manifest says of it.
    """

    def __init__(self, session: Any, stage: StageInfo) -> None:
        self._session = session
        self._stage = stage
        self._binding = session.io_binding()
        self._memory: dict[str, Array] = {}
        self._outputs: dict[str, Array] = {}
        self._counted = next(tensor.name for tensor in stage.inputs if tensor.shape)
        self._rows = 0

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return every output by name: views of memory that the next run writes into.

        Args:
            inputs: Every input by name; nothing of them is held after the run.
        """
        rows = len(inputs[self._counted])
        if rows != self._rows:
            self._bind_outputs(rows)
        # By address: bind_cpu_input would hold the arrays until the next run, and a camera's buffer could not be freed.
        arrays = {name: np.asarray(array, order="C") for name, array in inputs.items()}
        for name, array in arrays.items():
            self._binding.bind_input(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        try:
            self._session.run_with_iobinding(self._binding)
        finally:
            self._binding.clear_binding_inputs()
        return dict(self._outputs)

    def _bind_outputs(self, rows: int) -> None:
        self._rows = 0  # in case that memory is short
        self._outputs.clear()
        self._binding.clear_binding_outputs()
        for tensor in self._stage.outputs:
            array = self._reserve(tensor, rows)
            self._binding.bind_output(tensor.name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
            self._outputs[tensor.name] = array
        self._rows = rows

    def _reserve(self, tensor: TensorInfo, rows: int) -> Array:
        """Return memory for an output of so many rows, which is grown where it is too small."""
        shape = tuple(rows if size == BATCH else int(size) for size in tensor.shape)
        memory = self._memory.get(tensor.name)
        if memory is None or len(memory) < shape[0]:
            self._memory.pop(tensor.name, None)
            del memory  # before the larger one is there, so that they are not held together
            memory = np.empty(shape, tensor.dtype)
            self._memory[tensor.name] = memory
        return memory[: shape[0]]
