"""The contract of every backend: it runs the stages of one bundle on one device.

The runtime needs five verbs and nothing else, so that feature maps may stay wherever the backend keeps them:
upload, run, keep_rows, download, close. A `Tensor` is opaque to the caller.

How long memory lives: a tensor that a stage carries on lives until the next run of the same stage, which may write into
the same memory, or until `keep_rows` uses it up. What `download` returns is the caller's and no later call changes it.
What was uploaded serves any number of runs; where it is the caller's own array, it is never written.
"""

from __future__ import annotations

import functools
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum
from types import TracebackType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from edgekit_runtime.backends.devices import Device
from edgekit_runtime.backends.options import BackendOptions
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.bundle.contract import BATCH, TensorInfo
from edgekit_runtime.bundle.manifest import StageInfo
from edgekit_runtime.errors import UsageProblem

Tensor = Any
"""A handle to an array that the backend keeps: a NumPy array on a CPU, a device buffer on a GPU."""

Array = npt.NDArray[Any]

Description = tuple[str, tuple[int, ...]]
"""dtype and shape of a tensor."""

_MOST_REMEMBERED = 1000
"""Descriptions of inputs that were found to fit: a stage has one for each size of its batches."""


@functools.cache
def name_dtype(dtype: np.dtype[Any]) -> str:
    """Return the name of a dtype, as manifests write it; NumPy makes it anew each time, which takes 4 µs."""
    return str(dtype)


def keep_array_rows(
    array: Array, count: int, targets: npt.NDArray[np.intp], sources: npt.NDArray[np.intp]
) -> Array:
    """Keep rows of a NumPy array in place: `Backend._keep_rows_impl` where tensors are such arrays."""
    # Row by row: indexing with both lists at once would copy all moved rows twice.
    for target, source in zip(targets.tolist(), sources.tolist(), strict=True):
        array[target] = array[source]
    return array[:count]


class State(Enum):
    """NEW → READY → CLOSED."""

    NEW = "new"
    READY = "ready"
    CLOSED = "closed"


class Backend(ABC):
    """Runs stages. Public methods check, `_impl` methods work.

    Args:
        bundle: An opened bundle; its bytes are verified as they are read.
        options: Device and threads.

    Attributes:
        notes: What a person should know about how it was opened, a sentence each.
        most_rows: Rows that one run takes at most, as of an engine built for a range of batches; None where there is no
            such limit. Known once the backend is READY; larger batches are split by `execution`.
    """

    name: ClassVar[str]
    package: ClassVar[str | None] = None
    """Import name of what it needs besides NumPy."""

    def __init__(self, bundle: Bundle, options: BackendOptions) -> None:
        self.bundle = bundle
        self.options = options
        self.state = State.NEW
        self.notes: tuple[str, ...] = ()
        self.most_rows: int | None = None
        self._stages: dict[str, StageInfo] = {stage.name: stage for stage in bundle.manifest.stages}
        self._fitting: set[tuple[str, tuple[Description, ...]]] = set()

    @classmethod
    def find_obstacle(cls, _bundle: Bundle, _device: Device, /) -> str | None:
        """Return why this backend does not serve the bundle on the device, in a few words; None if it does.

        Every candidate is asked before one is chosen: the answer comes from the manifest, and neither it nor
        the backend's module imports the package that the backend needs.
        """
        return None

    @classmethod
    def is_installed(cls) -> bool:
        """Return whether the package that it needs is installed; nothing is imported."""
        try:
            return cls.package is None or importlib.util.find_spec(cls.package) is not None
        except (ImportError, ValueError):  # a finder that refuses, or a module that hides where it came from
            return False

    def open(self) -> None:
        """Load every stage; afterwards the backend is READY.

        Raises:
            UsageProblem: If it was opened or closed before.
            MissingDependency: If the backend's package is not installed.
            ArtefactRefused: If the bundle's bytes are not those it was opened with, or cannot be loaded.
        """
        if self.state is not State.NEW:
            raise UsageProblem(f"The {self.name} backend is {self.state.value}; open it once.")
        self._open_impl()
        self.state = State.READY

    def close(self) -> None:
        """Free what the backend holds; may be called again."""
        if self.state is State.READY:
            self._close_impl()
        self.state = State.CLOSED

    def upload(self, array: Array) -> Tensor:
        """Hand an array to the device."""
        self._require_ready()
        # Not ascontiguousarray, which turns a scalar into an array of one.
        return self._upload_impl(np.asarray(array, order="C"))

    def run(self, stage: str, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run one stage.

        Args:
            stage: Name of the stage.
            inputs: Every input of the stage by name; the batch is the first axis.

        Returns:
            Every output of the stage by name.

        Raises:
            UsageProblem: If the stage is unknown or the inputs are not those that the manifest names.
        """
        self._require_ready()
        info = self._stages.get(stage)
        if info is None:
            raise UsageProblem(f"No stage {stage!r}; the bundle has {', '.join(self._stages)}.")
        names = [tensor.name for tensor in info.inputs]
        if len(inputs) != len(names) or any(name not in inputs for name in names):
            raise UsageProblem(
                f"Stage {stage!r} takes {', '.join(sorted(names))}; got {', '.join(sorted(inputs))}."
            )
        self._check_inputs(info, [self._describe_impl(inputs[name]) for name in names])
        return self._run_impl(info, inputs)

    def keep_rows(self, tensor: Tensor, rows: npt.NDArray[np.intp]) -> Tensor:
        """Return some rows of a tensor that a stage carries on, moving as few as possible; the tensor is used up.

        Args:
            tensor: Carried output of `run`.
            rows: Which row of the tensor each row of the result is: the one at its own place, or one beyond the end of
                the result. So no move writes what another reads, and all may be made in place and at once.

        Raises:
            UsageProblem: If the rows are not such.
        """
        self._require_ready()
        targets = np.flatnonzero(rows != np.arange(len(rows)))
        sources = rows[targets]
        total = self._describe_impl(tensor)[1][0]
        if not 1 <= len(rows) <= total or np.any((sources < len(rows)) | (sources >= total)):
            raise UsageProblem(
                f"Rows to keep of {total} stay at their places or come from beyond the result's end, "
                f"got {rows.tolist()}."
            )
        return self._keep_rows_impl(tensor, len(rows), targets, sources)

    def download(self, tensor: Tensor) -> Array:
        """Return a tensor as a NumPy array, which is the caller's."""
        self._require_ready()
        return self._download_impl(tensor)

    def __enter__(self) -> Backend:
        if self.state is not State.READY:
            self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _require_ready(self) -> None:
        if self.state is not State.READY:
            raise UsageProblem(f"The {self.name} backend is {self.state.value}, not ready.")

    def _check_inputs(self, stage: StageInfo, found: list[Description]) -> None:
        """Refuse tensors that are not what the manifest says; what fitted before is not looked at again."""
        key = (stage.name, tuple(found))
        if key in self._fitting:
            return
        for tensor, description in zip(stage.inputs, found, strict=True):
            _check_tensor(stage.name, tensor, description)
        rows = {
            tensor.name: shape[0]
            for tensor, (_, shape) in zip(stage.inputs, found, strict=True)
            if tensor.shape[:1] == (BATCH,)
        }
        if 0 in rows.values() or len(set(rows.values())) > 1:
            raise UsageProblem(
                f"Stage {stage.name!r} needs the same batch of 1 or more in every input, got {rows}."
            )
        if self.most_rows is not None and any(count > self.most_rows for count in rows.values()):
            raise UsageProblem(
                f"The {self.name} backend runs at most {self.most_rows} rows at once, got {rows}.",
                remedy="Use Detector.run_batch, which splits larger batches.",
            )
        if len(self._fitting) >= _MOST_REMEMBERED:
            self._fitting.clear()
        self._fitting.add(key)

    @abstractmethod
    def _open_impl(self) -> None: ...

    @abstractmethod
    def _close_impl(self) -> None: ...

    @abstractmethod
    def _upload_impl(self, array: Array) -> Tensor: ...

    @abstractmethod
    def _run_impl(self, stage: StageInfo, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]: ...

    @abstractmethod
    def _keep_rows_impl(
        self, tensor: Tensor, count: int, targets: npt.NDArray[np.intp], sources: npt.NDArray[np.intp]
    ) -> Tensor:
        """Return the first `count` rows, after row `sources[i]` was moved to `targets[i]` for every i."""

    @abstractmethod
    def _download_impl(self, tensor: Tensor) -> Array: ...

    @abstractmethod
    def _describe_impl(self, tensor: Tensor) -> Description: ...


def _check_tensor(stage: str, expected: TensorInfo, found: Description) -> None:
    dtype, shape = found
    fits = len(shape) == len(expected.shape) and all(
        want in (BATCH, have) for want, have in zip(expected.shape, shape, strict=True)
    )
    if dtype != expected.dtype or not fits:
        raise UsageProblem(
            f"Input {expected.name!r} of stage {stage!r} must be {expected.dtype} {expected.shape}, "
            f"got {dtype} {shape}."
        )
