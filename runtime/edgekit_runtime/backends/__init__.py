"""Backends: each runs the stages of a bundle on one kind of device.

The table below is the whole list. A backend's module, and the package that it needs, is imported when the
backend is opened.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

from edgekit_runtime.backends.base import Array, Backend, State, Tensor
from edgekit_runtime.backends.devices import Device, parse_device, require_device
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import DeviceUnavailable, UsageProblem
from edgekit_runtime.near_names import suggest

__all__ = [
    "BACKENDS",
    "Array",
    "Backend",
    "BackendFactory",
    "Device",
    "State",
    "Tensor",
    "open_backend",
    "parse_device",
]

BACKENDS: dict[str, dict[str, str]] = {
    "onnxruntime": {"cpu": "edgekit_runtime.backends.onnxruntime_cpu:OnnxRuntimeCpu"},
}
"""Backend → kind of device → where its class is."""

_ANNOUNCED = ("fused", "tensorrt", "tensorrt-rtx")

BackendFactory = Callable[..., Backend]
"""Makes a NEW backend: called as factory(bundle, threads=threads). A Backend class is one."""


def open_backend(
    name: str | BackendFactory,
    device: str,
    bundle: Bundle,
    threads: int | None = None,
    *,
    root: Path = Path("/"),
) -> Backend:
    """Return a READY backend for a bundle.

    Args:
        name: "auto", the name of a backend, or a factory such as a Backend class of your own.
        device: "auto", "cpu", "cuda", "cuda:N" or "jetson".
        bundle: An opened bundle.
        threads: Threads per run; None leaves the choice to the backend.
        root: Where the file system starts, for finding out which board this is.

    Raises:
        UsageProblem: If the backend or device does not exist.
        EnvironmentMismatch: If this machine does not have the device, or the backend does not run on it.
        MissingDependency: If the backend's package is not installed.
        ArtefactRefused: If the backend cannot load the bundle.
    """
    if isinstance(name, str):
        where = parse_device(device)
        factory = _find_backend(name, where, root)
    else:
        factory = name
    backend = factory(bundle, threads=threads)
    backend.open()
    return backend


def _find_backend(name: str, device: Device, root: Path) -> BackendFactory:
    if name not in ("auto", *BACKENDS, *_ANNOUNCED):
        raise UsageProblem(f"No backend {name!r}. {suggest(name, ['auto', *BACKENDS, *_ANNOUNCED])}")
    require_device(device, root)
    if name in _ANNOUNCED:
        raise DeviceUnavailable(
            f"The backend {name!r} is not available in this release.",
            remedy="Use --backend auto or onnxruntime.",
        )
    target = BACKENDS["onnxruntime" if name == "auto" else name][device.kind]
    module, _, attribute = target.partition(":")
    return cast("BackendFactory", getattr(importlib.import_module(module), attribute))
