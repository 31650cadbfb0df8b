"""torch itself as a peer: eager, in inference mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.benching.networks import PeerNetwork
from edgekit.benching.preparing import Images
from edgekit_benchmarks.calibration import Settings
from edgekit_runtime.optional import import_optional

Logits = npt.NDArray[Any]


def open_torch(network: PeerNetwork, settings: Settings) -> Callable[[Images], Logits]:
    """Return the network as a call on images; torch's threads are the whole process's and are set here."""
    torch = import_optional("torch", extra="train")
    layout = torch.channels_last if settings["memory order"] == "channels last" else torch.contiguous_format
    module: Any = network.module
    module.to(memory_format=layout)
    torch.set_num_threads(int(settings["threads"]))

    def run(images: Images) -> Logits:
        with torch.inference_mode():
            answer = module(torch.from_numpy(images).contiguous(memory_format=layout))
            return np.asarray(answer.contiguous().numpy())

    return run


def list_torch_settings(threads: int) -> dict[str, Sequence[str]]:
    """Return threads, and the order of axes in memory."""
    return {
        "threads": tuple(str(count) for count in dict.fromkeys((threads, 1))),
        "memory order": ("plain", "channels last"),
    }
