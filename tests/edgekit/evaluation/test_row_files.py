"""One line per image."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from edgekit.evaluation.early_exits import EarlyExits, ExitPoint
from edgekit.evaluation.evaluate import evaluate_classes, evaluate_masks
from edgekit.evaluation.prediction import Prediction
from edgekit.evaluation.row_files import write_rows
from edgekit.reporting import Reporter
from edgekit_runtime.errors import IoFault
from tests.edgekit.evaluation.building import (
    InMemory,
    answer_in_turn,
    answer_masks,
    answer_probabilities,
    make_sample,
)

QUIET = Reporter(quiet=True)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def evaluate_two_masks():
    dataset = InMemory(
        [make_sample('a, "b"', [[1, 1, 0]], "hole", "stain"), make_sample("c\udcff", [[0, 0, 0]])]
    )
    ticks = iter([0.0, 0.0125, 1.0, 1.0])
    return evaluate_masks(
        answer_masks([[0, 1, 0]], [[0, 0, 0]]), dataset, reporter=QUIET, clock=lambda: next(ticks)
    )


def test_masks(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", evaluate_two_masks())
    assert read(tmp_path / "rows.csv") == [
        {
            "name": 'a, "b"',
            "kinds": "hole stain",
            "truth": "defective",
            "flagged": "yes",
            "outcome": "found",
            "score": "1",
            "iou": "0.5000",
            "ms": "12.50",
        },
        {
            "name": "c\\udcff",  # a file name need not be text
            "kinds": "",
            "truth": "defect-free",
            "flagged": "no",
            "outcome": "passed",
            "score": "0",
            "iou": "",
            "ms": "0.00",
        },
    ]


@pytest.mark.parametrize("normal", ["good", None])
def test_classes(tmp_path: Path, normal: str | None) -> None:
    dataset = InMemory(
        [make_sample("a", [[0]]), make_sample("b", [[0]])], labels=("good", "bad"), label_of=[0, 1]
    )
    metrics = evaluate_classes(
        answer_probabilities([0.25, 0.75], [float("nan"), 0.5]),
        dataset,
        classes=("good", "bad"),
        normal_class=normal,
        reporter=QUIET,
    )
    write_rows(tmp_path / "rows.csv", metrics)
    rows = read(tmp_path / "rows.csv")
    assert [(row["truth"], row["predicted"], row["correct"]) for row in rows] == [
        ("good", "bad", "no"),
        ("bad", "", "no"),
    ]
    expected = [("overkill", "0.75"), ("found", "inf")] if normal else [("", ""), ("", "")]
    assert [(row["outcome"], row["score"]) for row in rows] == expected
    assert [(row["confidence"], row["exit"], row["low_confidence"]) for row in rows] == [
        ("0.75", "", ""),
        ("", "", ""),
    ]


def test_classes_of_a_network_with_exits(tmp_path: Path) -> None:
    dataset = InMemory(
        [make_sample("a", [[0]]), make_sample("b", [[0]])], labels=("good", "bad"), label_of=[0, 1]
    )
    points = (ExitPoint(1, "exit1", 0.9), ExitPoint(2, "exit2", 0.6))
    metrics = evaluate_classes(
        answer_in_turn(
            [
                Prediction(probabilities=np.array([0.95, 0.05], np.float32), exit=1),
                Prediction(probabilities=np.array([0.5, 0.5], np.float32), exit=2, low_confidence=True),
            ]
        ),
        dataset,
        classes=("good", "bad"),
        normal_class="good",
        reporter=QUIET,
        exits=EarlyExits(points, lambda _height, _width: (1, 2)),
    )
    write_rows(tmp_path / "rows.csv", metrics)
    assert [
        (row["confidence"], row["exit"], row["low_confidence"]) for row in read(tmp_path / "rows.csv")
    ] == [("0.95", "1", "no"), ("0.5", "2", "yes")]


def test_an_old_file_survives_a_disk_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").mkdir()
    with pytest.raises(IoFault, match=r"rows\.csv cannot be written"):
        write_rows(tmp_path / "rows.csv", evaluate_two_masks())
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
    with pytest.raises(IoFault):
        write_rows(tmp_path / "nowhere" / "rows.csv", evaluate_two_masks())
