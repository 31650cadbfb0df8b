"""One line per image, so that a person finds those that were missed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from edgekit.evaluation.classification import ClassMetrics
from edgekit.evaluation.mask_metrics import MaskMetrics
from edgekit_runtime.errors import IoFault, UsageProblem

Row = Sequence[object]

MASK_COLUMNS = ("name", "kinds", "truth", "flagged", "outcome", "score", "iou", "ms")
"""`score` as "image_level" says of what; `iou` of the defect pixels, empty where neither mask has any."""

CLASS_COLUMNS = (
    *("name", "kinds", "truth", "predicted", "correct", "outcome", "score", "ms"),
    *("confidence", "exit", "low_confidence"),
)
"""`predicted` and `confidence` are empty where the answer was no number; `outcome` and `score` where no class is the
normal one; `exit`, the number of the one that answered, and `low_confidence` where the target has no early exits."""


def require_place(path: Path) -> None:
    """Refuse a file that cannot be written, before an evaluation of minutes.

    Raises:
        UsageProblem: If its folder is not there, or a folder has its name.
    """
    if not path.parent.is_dir():
        raise UsageProblem(f"There is no folder {path.parent} for {path.name}.", remedy="Make it first.")
    if path.is_dir():
        raise UsageProblem(f"{path} is a folder; expected a file such as rows.csv.", remedy="Name a file.")


def write_rows(path: Path, metrics: MaskMetrics | ClassMetrics) -> None:
    """Write a CSV file (UTF-8, comma, a header) with one line per image, under a temporary name first.

    Raises:
        IoFault: If the disk refuses.
    """
    table = _list_masks(metrics) if isinstance(metrics, MaskMetrics) else _list_classes(metrics)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        # A file name need not be text.
        temporary.write_text(text.getvalue(), encoding="utf-8", errors="backslashreplace", newline="")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise IoFault(f"{path} cannot be written: {error.strerror or error}.") from error


def _list_masks(metrics: MaskMetrics) -> list[Row]:
    rows: list[Row] = [MASK_COLUMNS]
    for one in metrics.records:
        judged = one.judged
        truth = "defective" if judged.defective else "defect-free"
        iou = "" if one.iou is None else f"{one.iou:.4f}"
        flagged = "yes" if judged.flagged else "no"
        rows.append(
            (
                one.name,
                " ".join(one.kinds),
                truth,
                flagged,
                judged.outcome,
                f"{judged.score:.6g}",
                iou,
                f"{one.ms:.2f}",
            )
        )
    return rows


def _list_classes(metrics: ClassMetrics) -> list[Row]:
    names = tuple(metrics.per_class)
    rows: list[Row] = [CLASS_COLUMNS]
    for one in metrics.records:
        predicted = "" if one.predicted is None else names[one.predicted]
        correct = "yes" if one.predicted == one.truth else "no"
        outcome = one.judged.outcome if one.judged else ""
        score = f"{one.judged.score:.6g}" if one.judged else ""
        rows.append(
            (
                one.name,
                " ".join(one.kinds),
                names[one.truth],
                predicted,
                correct,
                outcome,
                score,
                f"{one.ms:.2f}",
                "" if one.answer.confidence is None else f"{one.answer.confidence:.6g}",
                "" if one.exit is None else one.exit,
                "" if one.exit is None else "yes" if one.low_confidence else "no",
            )
        )
    return rows
