"""What this machine is: operating system, processor, memory, Jetson or not, versions of packages.

Everything is read from small files and package metadata; nothing is imported and no driver is started.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit_runtime.errors import EnvironmentMismatch

PACKAGES = (
    "edgekit",
    "numpy",
    "click",
    "onnxruntime",
    "onnxruntime-gpu",
    "tensorrt",
    "tensorrt-rtx-cu12",
    "cuda-bindings",
    "pycuda",
    "numba",
    "pillow",
    "cryptography",
    "torch",
    "onnx",
    "onnxscript",
    "safetensors",
    "openvino",
    "opencv-python-headless",
)
"""Distributions whose versions a report needs."""


@dataclass(frozen=True)
class Jetson:
    """A Jetson board."""

    model: str
    l4t: str | None
    """Release of Linux for Tegra, such as "36.4.3"."""


def detect_jetson(root: Path = Path("/")) -> Jetson | None:
    """Return which Jetson this is, or None.

    Args:
        root: Where the file system starts; proc/device-tree/model and etc/nv_tegra_release are read there.
    """
    model = _read_text(root / "proc/device-tree/model").strip("\0 \n")
    release = _read_text(root / "etc/nv_tegra_release")
    named = any(word in model.lower() for word in ("jetson", "tegra"))
    if not named and not release:
        return None
    return Jetson(model=model or "Jetson", l4t=_parse_l4t(release))


def require_jetson(root: Path = Path("/")) -> Jetson:
    """Return which Jetson this is.

    Args:
        root: Where the file system starts.

    Raises:
        EnvironmentMismatch: If this machine is none.
    """
    board = detect_jetson(root)
    if board is None:
        raise EnvironmentMismatch(
            "This machine is not a Jetson.",
            remedy="Run the command on the board, or name the board with --host (not available yet).",
        )
    return board


def describe_platform(root: Path = Path("/")) -> dict[str, Any]:
    """Return what this machine is, as JSON-ready data.

    Args:
        root: Where the file system starts.
    """
    jetson = detect_jetson(root)
    return {
        "os": _describe_os(root),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cpu": _describe_cpu(root),
        "cores_usable": count_usable_cores(),
        "memory_bytes": _parse_memory(root),
        "jetson": {"model": jetson.model, "l4t": jetson.l4t} if jetson is not None else None,
        "packages": find_versions(PACKAGES),
    }


def find_versions(distributions: tuple[str, ...]) -> dict[str, str | None]:
    """Return distribution → version, None where it is not installed; nothing is imported."""
    import importlib.metadata

    versions: dict[str, str | None] = {}
    for name in distributions:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def count_usable_cores() -> int:
    """Return the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _describe_os(root: Path) -> str:
    for line in _read_text(root / "etc/os-release").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip("\"' ")
    return platform.platform(terse=True)


def _describe_cpu(root: Path) -> str:
    for line in _read_text(root / "proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip().lower() in ("model name", "hardware") and value.strip():
            return value.strip()
    # ARM kernels name no model; the architecture is what is left.
    return platform.processor() or platform.machine()


def _parse_memory(root: Path) -> int | None:
    for line in _read_text(root / "proc/meminfo").splitlines():
        key, _, value = line.partition(":")
        words = value.split()
        if key == "MemTotal" and words and words[0].isdigit():
            return int(words[0]) * 1024
    return None


def _parse_l4t(release: str) -> str | None:
    """Read "# R36 (release), REVISION: 4.3, GCID: …" as "36.4.3"."""
    parts = [part.strip() for part in release.lstrip("# ").split(",")]
    if len(parts) < 2 or not parts[0].startswith("R") or not parts[1].startswith("REVISION:"):
        return None
    major = parts[0][1:].split(" ")[0]
    return f"{major}.{parts[1].removeprefix('REVISION:').strip()}"


def _read_text(path: Path) -> str:
    """Return a file's text, or nothing where the machine does not have it."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
