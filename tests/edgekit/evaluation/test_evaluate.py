"""Any predictor on any dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.data import open_dataset
from edgekit.evaluation.evaluate import evaluate_masks, require_classes
from edgekit.reporting import Reporter
from edgekit_runtime.errors import DatasetError, MaskError


def test_the_truth_itself_is_perfect(image_folder: Path, quiet: Reporter) -> None:
    dataset = open_dataset(str(image_folder))
    answers = iter([dataset.load(index).mask for index in range(len(dataset))])
    metrics = evaluate_masks(lambda _frame: next(answers), dataset, reporter=quiet)
    assert (metrics.miou, metrics.macc, metrics.images) == (1.0, 1.0, 12)


def test_all_background_has_the_share_of_the_background(image_folder: Path, quiet: Reporter) -> None:
    dataset = open_dataset(str(image_folder))
    share = np.mean([dataset.load(index).mask for index in range(len(dataset))])
    metrics = evaluate_masks(np.zeros_like, dataset, reporter=quiet)
    assert metrics.iou == pytest.approx({"background": 1 - share, "defect": 0.0})


def test_a_mask_of_another_size_is_refused(image_folder: Path, quiet: Reporter) -> None:
    with pytest.raises(MaskError):
        evaluate_masks(lambda frame: frame[1:] * 0, open_dataset(str(image_folder)), reporter=quiet)


def test_data_of_other_classes_are_refused(image_folder: Path) -> None:
    dataset = open_dataset(str(image_folder))
    require_classes(("background", "scratch"), dataset)  # names may differ
    with pytest.raises(DatasetError, match="background, hole, stain"):
        require_classes(("background", "hole", "stain"), dataset)
