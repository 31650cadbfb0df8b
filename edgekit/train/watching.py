"""What a person sees of a run: a line per epoch, curves, sample pictures, TensorBoard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edgekit.reporting import Reporter
from edgekit.train.overlays import is_drawn
from edgekit.train.plots import LABELS, plot_history
from edgekit.train.run_folder import RunFolder
from edgekit.train.tensorboard import write_events


class Watcher:
    """Shows each epoch of one run.

    Args:
        folder: Of the run.
        title: Of the curves.
        epochs: How many the recipe has, of all phases together.
        scores: Names of the validation figures that are shown, the deciding one first.
        draw: Draws sample pictures into a file; None where the task has none.
        tensorboard: Whether to write for TensorBoard too.
        reporter: Where the line goes.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        title: str,
        epochs: int,
        scores: Sequence[str],
        draw: Callable[[Path], None] | None,
        tensorboard: bool,
        reporter: Reporter,
    ) -> None:
        self._folder = folder
        self._title = title
        self._epochs = epochs
        self._scores = tuple(scores)
        self._draw = draw
        self._tensorboard = tensorboard
        self._reporter = reporter

    def show(self, history: Sequence[dict[str, Any]], *, better: bool) -> None:
        """Show the last epoch of a history.

        Raises:
            IoFault: If the disk refuses.
        """
        entry = history[-1]
        plot_history(history, self._folder.curves, title=self._title, scores=self._scores)
        if self._draw is not None and is_drawn(entry["epoch"], self._epochs):
            self._draw(self._folder.samples / f"epoch-{entry['epoch']:03}.png")
        if self._tensorboard:
            write_events(self._folder.tensorboard, history)
        figures = ", ".join(f"{LABELS[name]} {_format(entry[name])}" for name in self._scores)
        phase = f", {entry['phase']}" if "phase" in entry else ""
        self._reporter.note(
            f"epoch {entry['epoch']}/{self._epochs}{phase}: loss {entry['train_loss']:.4f}, "
            f"validation {figures}{self._describe_exits(entry)}{' (best)' if better else ''}"
        )

    def _describe_exits(self, entry: dict[str, Any]) -> str:
        """Return the deciding figure of every exit, whose mean over those that count was shown before."""
        each = [_format(exit_[self._scores[0]]) for exit_ in entry.get("exits", ())]
        return f"; {LABELS[self._scores[0]]} of each exit {', '.join(each)}" if each else ""


def _format(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
