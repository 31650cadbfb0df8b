"""The picture of a run: loss and validation figures over the epochs."""

from __future__ import annotations

import itertools
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

    Thin lines are the first of these figures at each exit, where there are exits; a dashed line is where a phase ends,
    and with it what the training loss measures.

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
    for number in range(len(history[0].get("exits", ()))):
        values = [entry["exits"][number][scores[0]] for entry in history]
        figures.plot(epochs, values, label=f"exit {number + 1}", linewidth=0.8, marker=marker)
    losses.set(xlabel="epoch", ylabel="loss", yscale="log")
    figures.set(xlabel="epoch", ylabel="validation", ylim=(0, 1))
    for axes in (losses, figures):
        for border in find_borders(history):
            axes.axvline(border, color="grey", linestyle="--", linewidth=1)
        axes.grid(alpha=0.3)
        axes.legend()
    _write(figure, path)


def find_borders(history: Sequence[dict[str, Any]]) -> list[float]:
    """Return where one phase ends and another begins: between two epochs."""
    return [
        (before["epoch"] + after["epoch"]) / 2
        for before, after in itertools.pairwise(history)
        if before.get("phase") != after.get("phase")
    ]


def _write(figure: Figure, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        figure.savefig(temporary, format="png", dpi=110)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise IoFault(f"{path} cannot be written: {error.strerror}.") from error
