"""The backend itself: opens a program, runs frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edgekit_runtime.backends.base import Array, Backend, keep_array_rows, name_dtype
from edgekit_runtime.backends.devices import Device
from edgekit_runtime.backends.fused.network import Network
from edgekit_runtime.backends.fused.phases import find_program_obstacle
from edgekit_runtime.backends.fused.session import Session
from edgekit_runtime.backends.fused.weights import read_weights
from edgekit_runtime.bundle import Bundle, StageInfo
from edgekit_runtime.optional import import_optional
from edgekit_runtime.platforms import count_usable_cores


class Fused(Backend):
    """Runs the program of a bundle's one stage on the CPU."""

    name: ClassVar[str] = "fused"
    package: ClassVar[str | None] = "numba"

    @classmethod
    def find_obstacle(cls, bundle: Bundle, _device: Device, /) -> str | None:
        """Return why the bundle cannot be run: it has no program, or one of an unusual form."""
        contract = bundle.manifest.input
        for stage in bundle.manifest.stages:
            if stage.program is None:
                return "the bundle carries no program for it"
            obstacle = find_program_obstacle(stage.program, contract.height, contract.width)
            if obstacle is not None:
                return f"the program of stage {stage.name!r} {obstacle}"
        return None

    def _open_impl(self) -> None:
        import_optional("numba", extra="cpu")
        (stage,) = self.bundle.manifest.stages
        assert stage.program is not None
        contract = self.bundle.manifest.input
        network = Network(stage.program, contract.height, contract.width)
        weights = read_weights(self.bundle, network)
        threads = self.options.threads or count_usable_cores()
        self._session = Session(network, weights, threads=threads, frame_type=contract.pixels.graph_type)
        self.notes = (self._session.origin,) if self._session.origin else ()
        self._threshold = self.bundle.manifest.thresholds[0].name

    def _close_impl(self) -> None:
        self._session.close()

    def _upload_impl(self, array: Array) -> Array:
        return array

    def _run_impl(self, stage: StageInfo, inputs: Mapping[str, Array]) -> dict[str, Array]:
        frames = inputs[self.bundle.manifest.input.name]
        (mask,) = stage.outputs
        return {mask.name: self._session.run(frames, float(inputs[self._threshold]))}

    def _keep_rows_impl(
        self, tensor: Array, count: int, targets: npt.NDArray[np.intp], sources: npt.NDArray[np.intp]
    ) -> Array:
        return keep_array_rows(tensor, count, targets, sources)

    def _download_impl(self, tensor: Array) -> Array:
        return tensor

    def _describe_impl(self, tensor: Array) -> tuple[str, tuple[int, ...]]:
        return name_dtype(tensor.dtype), tensor.shape
