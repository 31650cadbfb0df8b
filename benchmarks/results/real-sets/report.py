"""Tables of the comparison on real sets: mean over the seeds with a 95 % interval, and what the leak flatters.

    python benchmarks/results/real-sets/report.py runs/real

Reads what compare.py wrote. Intervals are Student's over the seeds (each has its own split, so they cover both); the
flattery is the mean of the differences within a run. A model with one seed has no interval.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

STUDENT_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}
"""Two-sided 95 % quantiles by degrees of freedom."""

Document = dict[str, Any]
Figure = Callable[[Document], float | None]


def interval(values: Iterable[float | None], *, percent: bool = False) -> str:
    """Return "mean ± half width", the mean alone for one value, a dash for none."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    scale, digits = (100, 1) if percent else (1, 3)
    mean = f"{statistics.mean(known) * scale:.{digits}f}"
    if len(known) == 1:
        return mean
    half = STUDENT_95[len(known) - 1] * statistics.stdev(known) / math.sqrt(len(known))
    return f"{mean} ± {half * scale:.{digits}f}"


def at(part: str, *keys: str) -> Figure:
    """Return what reads a figure of a part; None where it has none."""

    def read(document: Document) -> float | None:
        value: Any = document[part]
        for key in keys:
            value = None if value is None else value.get(key)
        return value

    return read


def write_row(cells: Iterable[str]) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def tabulate_set(runs: dict[str, list[Document]]) -> list[str]:
    """Return the lines of one set: figures on the test part, then the flattery."""
    columns: dict[str, tuple[Figure, bool]] = {
        "mIoU": (at("test", "miou"), False),
        "Dice": (at("test", "dice"), False),
        "escape, %": (at("test", "image_level", "escape", "rate"), True),
        "overkill, %": (at("test", "image_level", "overkill", "rate"), True),
        "AUROC": (at("test", "image_level", "auroc"), False),
        "defect recall": (at("test", "defect_level", "recall"), False),
    }
    lines = [write_row(["model", "seeds", *columns]), write_row(["---"] + ["---:"] * (len(columns) + 1))]
    for model, documents in runs.items():
        cells = [
            interval((figure(each) for each in documents), percent=percent)
            for figure, percent in columns.values()
        ]
        lines.append(write_row([f"`{model}`", str(len(documents)), *cells]))
    kinds = sorted(
        {kind for documents in runs.values() for each in documents for kind in each["test"]["per_kind"]}
    )
    lines += ["", write_row(["Dice per kind", *kinds]), write_row(["---"] + ["---:"] * len(kinds))]
    for model, documents in runs.items():
        cells = [interval(at("test", "per_kind", kind, "dice")(each) for each in documents) for kind in kinds]
        lines.append(write_row([f"`{model}`", *cells]))
    lines += ["", write_row(["flattered by the leak", "mIoU", "Dice"]), write_row(["---", "---:", "---:"])]
    for model, documents in runs.items():
        cells = [
            interval((at("leaky", key)(each) or 0) - (at("test", key)(each) or 0) for each in documents)
            for key in ("miou", "dice")
        ]
        lines.append(write_row([f"`{model}`", *cells]))
    return lines


def main(folder: Path) -> None:
    """Print the tables of every set in the folder."""
    sets: dict[str, dict[str, list[Document]]] = {}
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text())
        sets.setdefault(document["data"], {}).setdefault(document["model"], []).append(document)
    for name, runs in sets.items():
        print(f"\n### {name}\n")
        print("\n".join(tabulate_set(runs)))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/real"))
