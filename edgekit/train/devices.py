"""Where to train: never a silent fall back from a device that was asked for."""

from __future__ import annotations

import torch

from edgekit_runtime.backends.devices import parse_device
from edgekit_runtime.errors import DeviceUnavailable, UsageProblem


def choose_device(name: str, *, rank: int = 0) -> str:
    """Return torch's name of a device; "auto" is a GPU where torch sees one, else the CPU.

    Args:
        name: What was typed after --device.
        rank: Of this process on its machine: each takes a GPU of its own where none is named by number.

    Raises:
        UsageProblem: If there is no such device, or it is no place to train.
        DeviceUnavailable: If torch does not see the GPU that was asked for.
    """
    if name == "auto" and not torch.cuda.is_available():
        return "cpu"
    if name in ("auto", "cuda"):
        name = f"cuda:{rank}"
    device = parse_device(name)
    if device.kind == "cpu":
        return "cpu"
    if device.kind != "cuda":
        raise UsageProblem(f"Training runs on cpu or cuda, not on {name}.")
    if device.number >= torch.cuda.device_count():
        raise DeviceUnavailable(
            f"torch sees {torch.cuda.device_count()} GPUs here; {name} is not one of them.",
            remedy="Use --device cpu, or install a CUDA build of torch.",
        )
    return f"cuda:{device.number}"
