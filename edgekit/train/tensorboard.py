"""The figures of a run for TensorBoard, which is optional."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit_runtime.optional import import_optional


def write_events(folder: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write every number of the last epoch; its step is the epoch. A resumed run goes on in the same folder.

    Raises:
        MissingDependency: If the package tensorboard is not installed.
    """
    import_optional("tensorboard", extra="tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    entry = history[-1]
    # Reopened at every epoch: what an interrupted epoch would have written is not there.
    with SummaryWriter(str(folder), purge_step=entry["epoch"]) as writer:
        for key, value in entry.items():
            if isinstance(value, int | float) and key != "epoch":
                writer.add_scalar(key, value, entry["epoch"])
