"""Running the stages of one bundle on one backend: each takes what the one before carries, and its thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

import numpy as np

from edgekit_runtime.backends.base import Array, Backend, Tensor, name_dtype
from edgekit_runtime.bundle.contract import TensorInfo
from edgekit_runtime.bundle.manifest import Manifest, StageInfo
from edgekit_runtime.errors import ArtefactRefused, UsageProblem
from edgekit_runtime.frames import Frames


class StageRunner:
    """Runs stages, one at a time. What is the same for every batch is found out once.

    Args:
        backend: A READY backend of the bundle.
        manifest: The bundle's manifest; opening the bundle has checked that its stages fit together.
        thresholds: Threshold name → value; the manifest's defaults where omitted.

    Raises:
        UsageProblem: If a threshold does not fit the bundle.
    """

    def __init__(
        self, backend: Backend, manifest: Manifest, thresholds: Mapping[str, float] | None = None
    ) -> None:
        self.backend = backend
        self.manifest = manifest
        self.exits: dict[str, TensorInfo] = {
            stage.name: next(tensor for tensor in stage.outputs if tensor.name == stage.exit.output)
            for stage in manifest.stages
            if stage.exit is not None
        }
        """Stage name → its probabilities, for the stages with an exit."""
        values = resolve_thresholds(manifest, thresholds)
        self._scalars: dict[str, dict[str, Tensor]] = {stage.name: {} for stage in manifest.stages}
        for threshold in manifest.thresholds:
            scalar = backend.upload(np.array(values[threshold.name], np.float32))
            self._scalars[threshold.stage][threshold.name] = scalar

    def upload(self, frames: Frames) -> dict[str, Tensor]:
        """Return what the first stage takes."""
        return {self.manifest.input.name: self.backend.upload(frames)}

    def run(self, stage: StageInfo, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return every output of a stage for what the stage before carries."""
        scalars = self._scalars[stage.name]
        return self.backend.run(stage.name, {**tensors, **scalars} if scalars else tensors)

    def read(
        self, stage: StageInfo, outputs: Mapping[str, Tensor], wanted: TensorInfo, running: int
    ) -> Array:
        """Return an output as an array.

        Args:
            stage: The one that gave the outputs.
            outputs: As `run` returns them.
            wanted: The output.
            running: How many rows the stage was given.

        Raises:
            ArtefactRefused: If the output is not what the manifest promises.
        """
        array = self.backend.download(outputs[wanted.name])
        shape = (running, *wanted.shape[1:])
        if array.shape != shape or name_dtype(array.dtype) != wanted.dtype:
            raise ArtefactRefused(
                f"Output {wanted.name!r} of stage {stage.name!r} is {array.dtype} {array.shape}; "
                f"the manifest promises {wanted.dtype} {shape}."
            )
        return array


def resolve_thresholds(manifest: Manifest, thresholds: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return every threshold of the bundle by name: the given value, else the manifest's default.

    Raises:
        UsageProblem: If a name is unknown or a value is not a finite number.
    """
    values = {threshold.name: threshold.default for threshold in manifest.thresholds}
    for name, value in (thresholds or {}).items():
        if name not in values:
            known = ", ".join(values) or "none"
            raise UsageProblem(f"No threshold {name!r}; the bundle has: {known}.")
        # As the graph sees it: 1e39 is infinite there.
        with np.errstate(over="ignore"):
            finite = isinstance(value, Real) and bool(np.isfinite(np.float32(value)))
        if not finite:
            raise UsageProblem(f"Threshold {name!r} must be a finite number, got {value!r}.")
        values[name] = float(value)
    return values
