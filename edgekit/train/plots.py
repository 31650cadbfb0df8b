"""The picture of a run: loss and validation figures over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from edgekit_runtime.errors import IoFault

LABELS = {"miou": "mIoU", "macc": "mAcc", "accuracy": "accuracy"}


def plot_history(
    history: Sequence[dict[str, Any]], path: Path, *, title: str, scores: Sequence[str] = ("miou", "macc")
) -> None:
    """Draw training and validation loss beside the validation figures named by `scores`.

    Raises:
        IoFault: If the picture cannot be written.
    """
    epochs = [entry["epoch"] for entry in history]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    losses, figures = figure.subplots(1, 2)
    # A line through one epoch has no length: without dots, a run of one epoch shows nothing.
    marker = "o" if len(history) == 1 else None
    for key, label in (("train_loss", "training"), ("val_loss", "validation")):
        losses.plot(epochs, [entry[key] for entry in history], label=label, marker=marker)
    for key in scores:
        figures.plot(epochs, [entry[key] for entry in history], label=LABELS[key], marker=marker)
    losses.set(xlabel="epoch", ylabel="loss", yscale="log")
    figures.set(xlabel="epoch", ylabel="validation", ylim=(0, 1))
    for axes in (losses, figures):
        axes.grid(alpha=0.3)
        axes.legend()
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        figure.savefig(temporary, format="png", dpi=110)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise IoFault(f"{path} cannot be written: {error.strerror}.") from error
