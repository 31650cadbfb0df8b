"""Backends: each runs the stages of a bundle on one kind of device.

The table below is the whole list, the preferred ones first. A backend's module imports NumPy and the standard
library alone; the package that it needs is imported when the backend is opened.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from edgekit_runtime.backends.base import Array, Backend, State, Tensor
from edgekit_runtime.backends.devices import Device, parse_device, require_device
from edgekit_runtime.backends.options import BackendOptions
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import DeviceUnavailable, UsageProblem
from edgekit_runtime.near_names import suggest

__all__ = [
    "BACKENDS",
    "Array",
    "Backend",
    "BackendFactory",
    "BackendOptions",
    "Device",
    "State",
    "Tensor",
    "check_backend",
    "choose_backend",
    "open_backend",
    "parse_device",
]

BACKENDS: dict[str, dict[str, str]] = {
    "fused": {"cpu": "edgekit_runtime.backends.fused.backend:Fused"},
    "onnxruntime": {"cpu": "edgekit_runtime.backends.onnxruntime_cpu:OnnxRuntimeCpu"},
}
"""Backend → kind of device → where its class is. "auto" takes the first that serves the bundle and is installed."""

_ANNOUNCED = ("tensorrt", "tensorrt-rtx")

BackendFactory = Callable[[Bundle, BackendOptions], Backend]
"""Makes a NEW backend: called as factory(bundle, options). A Backend class is one."""


def open_backend(
    backend: str | BackendFactory, bundle: Bundle, options: BackendOptions, *, root: Path = Path("/")
) -> Backend:
    """Return a READY backend for a bundle.

    Args:
        backend: "auto", the name of a backend, or a factory such as a Backend class of your own.
        bundle: An opened bundle.
        options: Device and threads; whether this machine has the device is a factory's own business.
        root: Where the file system starts, for finding out which board this is.

    Raises:
        UsageProblem: If there is no such backend.
        EnvironmentMismatch: If this machine does not have the device, or no backend serves the bundle on it.
        MissingDependency: If the backend's package is not installed.
        ArtefactRefused: If the backend cannot load the bundle.
    """
    check_backend(backend)
    if isinstance(backend, str):
        made = choose_backend(backend, bundle, options.device, root=root)(bundle, options)
    else:
        made = backend(bundle, options)
    made.open()
    return made


def check_backend(backend: str | BackendFactory) -> None:
    """Refuse what is neither the name of a backend, "auto" nor a factory; nothing is imported.

    Raises:
        UsageProblem: Naming the nearest backend.
    """
    names = ("auto", *BACKENDS, *_ANNOUNCED)
    if isinstance(backend, str):
        if backend not in names:
            raise UsageProblem(f"No backend {backend!r}. {suggest(backend, names)}")
    elif not callable(backend):
        raise UsageProblem(
            f"A backend is given by name or as a factory, got {type(backend).__name__}.",
            remedy="Pass the class, not an instance of it.",
        )


def choose_backend(name: str, bundle: Bundle, device: Device, *, root: Path = Path("/")) -> type[Backend]:
    """Return the class of the named backend, for "auto" the first in the table that serves the bundle and is installed.

    Where none that serves it is installed, it is the first that serves it: opening it names what to install.

    Raises:
        UsageProblem: If there is no such backend.
        EnvironmentMismatch: If this machine does not have the device, or no backend serves the bundle on it.
    """
    check_backend(name)
    require_device(device, root)
    if name in _ANNOUNCED and name not in BACKENDS:
        raise DeviceUnavailable(
            f"The backend {name!r} is not available in this release.",
            remedy="Use --backend auto, fused or onnxruntime.",
        )
    obstacles = []
    serving = []
    for candidate in BACKENDS if name == "auto" else (name,):
        target = BACKENDS[candidate].get(device.kind)
        found = None if target is None else _load_class(target)
        obstacle = f"it does not run on {device}" if found is None else found.find_obstacle(bundle, device)
        if found is not None and obstacle is None:
            serving.append(found)
            continue
        obstacles.append(f"{candidate}: {obstacle}")
    if serving:
        return next((found for found in serving if found.is_installed()), serving[0])
    which = "No backend serves" if name == "auto" else f"The backend {name!r} does not serve"
    raise DeviceUnavailable(
        f"{which} the bundle {bundle.manifest.name!r} on {device} ({'; '.join(obstacles)}).",
        remedy="Use --backend auto, or another device.",
    )


def _load_class(target: str) -> type[Backend]:
    module, _, attribute = target.partition(":")
    found: type[Backend] = getattr(importlib.import_module(module), attribute)
    return found
