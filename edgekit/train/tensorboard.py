"""The figures of a run for TensorBoard, which is optional."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit_runtime.optional import import_optional
from edgekit_runtime.replacing import make_write_fault


def write_events(folder: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write every number of the last epoch, and those of each exit; its step is the epoch.

    A resumed run goes on in the same folder.

    An epoch is written once, after its checkpoint: there is nothing to purge at a resumption.

    Raises:
        MissingDependency: If the package tensorboard is not installed.
        IoFault: If the disk refuses.
    """
    import_optional("tensorboard", extra="tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    entry = history[-1]
    try:
        with SummaryWriter(str(folder)) as writer:
            for key, value in _numbers_of(entry).items():
                writer.add_scalar(key, value, entry["epoch"])
    except OSError as error:
        raise make_write_fault(folder, error) from error


def _numbers_of(entry: dict[str, Any]) -> dict[str, float]:
    figures = {key: value for key, value in entry.items() if key != "epoch"}
    for number, exit_ in enumerate(entry.get("exits", ()), 1):
        figures.update({f"exit{number}/{key}": value for key, value in exit_.items()})
    return {key: value for key, value in figures.items() if isinstance(value, int | float)}
