"""Devices by name: what `--device` takes, and whether this machine and this release have it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple

from edgekit_runtime.errors import DeviceUnavailable, UsageProblem
from edgekit_runtime.near_names import suggest
from edgekit_runtime.platforms import require_jetson

DEVICES = ("auto", "cpu", "cuda", "cuda:N", "jetson")


class Device(NamedTuple):
    """A kind of device and, for a GPU, its number."""

    kind: Literal["cpu", "cuda", "jetson"]
    number: int = 0

    def __str__(self) -> str:
        return f"cuda:{self.number}" if self.kind == "cuda" else self.kind


def parse_device(name: str) -> Device:
    """Return the device of a name; "auto" is the CPU until there is a GPU backend.

    Raises:
        UsageProblem: If there is no such device.
    """
    if name in ("auto", "cpu"):
        return Device("cpu")
    if name == "jetson":
        return Device("jetson")
    gpu = re.fullmatch(r"cuda(?::([0-9]{1,3}))?", name)
    if gpu is not None:
        return Device("cuda", int(gpu[1] or 0))
    raise UsageProblem(f"No device {name!r}. {suggest(name, DEVICES)}")


def require_device(device: Device, root: Path = Path("/")) -> None:
    """Raise unless this machine has the device and this release runs on it; never fall back to the CPU.

    Raises:
        EnvironmentMismatch: If the device is a Jetson and this machine is not one.
        DeviceUnavailable: If this release has no backend for the device.
    """
    if device.kind == "cuda":
        raise DeviceUnavailable(
            "The GPU backend is not available yet in this release.", remedy="Use --device cpu (or auto)."
        )
    if device.kind == "jetson":
        require_jetson(root)
        raise DeviceUnavailable(
            "The Jetson backend is not available yet in this release.",
            remedy="Use --device cpu on the board.",
        )
