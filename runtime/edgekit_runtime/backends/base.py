"""The contract of every backend: it runs the stages of one bundle on one device.

The runtime needs five verbs and nothing else, so that feature maps may stay wherever the backend keeps them:
upload, run, take_rows, download, close. A `Tensor` is opaque to the caller.
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


@functools.cache
def name_dtype(dtype: np.dtype[Any]) -> str:
    """Return the name of a dtype, as manifests write it; NumPy makes it anew each time, which takes 4 µs."""
    return str(dtype)


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
    """

    name: ClassVar[str]
    package: ClassVar[str | None] = None
    """Import name of what it needs besides NumPy."""

    def __init__(self, bundle: Bundle, options: BackendOptions) -> None:
        self.bundle = bundle
        self.options = options
        self.state = State.NEW
        self.notes: tuple[str, ...] = ()
        self._stages: dict[str, StageInfo] = {stage.name: stage for stage in bundle.manifest.stages}

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
        expected = {tensor.name for tensor in info.inputs}
        if set(inputs) != expected:
            raise UsageProblem(
                f"Stage {stage!r} takes {', '.join(sorted(expected))}; got {', '.join(sorted(inputs))}."
            )
        for tensor in info.inputs:
            self._check_tensor(stage, tensor, inputs[tensor.name])
        self._check_batch(info, inputs)
        return self._run_impl(info, inputs)

    def take_rows(self, tensor: Tensor, rows: npt.NDArray[np.intp]) -> Tensor:
        """Return the given rows of a tensor, in the given order."""
        self._require_ready()
        return self._take_rows_impl(tensor, rows)

    def download(self, tensor: Tensor) -> Array:
        """Return a tensor as a NumPy array."""
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

    def _check_tensor(self, stage: str, expected: TensorInfo, tensor: Tensor) -> None:
        dtype, shape = self._describe_impl(tensor)
        fits = len(shape) == len(expected.shape) and all(
            want in (BATCH, have) for want, have in zip(expected.shape, shape, strict=True)
        )
        if dtype != expected.dtype or not fits:
            raise UsageProblem(
                f"Input {expected.name!r} of stage {stage!r} must be {expected.dtype} {expected.shape}, "
                f"got {dtype} {shape}."
            )

    def _check_batch(self, stage: StageInfo, inputs: Mapping[str, Tensor]) -> None:
        rows = {
            tensor.name: self._describe_impl(inputs[tensor.name])[1][0]
            for tensor in stage.inputs
            if tensor.shape[:1] == (BATCH,)
        }
        if 0 in rows.values() or len(set(rows.values())) > 1:
            raise UsageProblem(
                f"Stage {stage.name!r} needs the same batch of 1 or more in every input, got {rows}."
            )

    @abstractmethod
    def _open_impl(self) -> None: ...

    @abstractmethod
    def _close_impl(self) -> None: ...

    @abstractmethod
    def _upload_impl(self, array: Array) -> Tensor: ...

    @abstractmethod
    def _run_impl(self, stage: StageInfo, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]: ...

    @abstractmethod
    def _take_rows_impl(self, tensor: Tensor, rows: npt.NDArray[np.intp]) -> Tensor: ...

    @abstractmethod
    def _download_impl(self, tensor: Tensor) -> Array: ...

    @abstractmethod
    def _describe_impl(self, tensor: Tensor) -> tuple[str, tuple[int, ...]]: ...
