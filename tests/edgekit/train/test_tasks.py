"""What is learnt: masks or classes, which weights count, and how answers are measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from edgekit.data import Subset
from edgekit.data.views import DEFECTIVE, MERGED, NORMAL, view_for
from edgekit.evaluation.confusion import ConfusionMatrix
from edgekit.models import MODELS
from edgekit.train.batches import iterate_batches
from edgekit.train.classification import Classification
from edgekit.train.losses import binary_cross_entropy
from edgekit.train.recipe import Objective
from edgekit.train.segmentation import Segmentation
from edgekit.train.task_table import make_task
from edgekit_runtime.errors import DatasetError, UsageProblem
from tests.edgekit.train.arrays import ArrayDataset, draw_pixels, make_batch, make_store

SEGMENTER = MODELS.get("cheapnet-s")
CLASSIFIER = MODELS.get("shufflenet-v2-0.5")
LABELS = ("good", "hole", "stain")


def make_labelled(labels: list[int], *, size: tuple[int, int] = (4, 4)) -> ArrayDataset:
    generator = np.random.default_rng(0)
    images = [generator.integers(0, 256, size).astype(np.uint8) for _ in labels]
    return ArrayDataset(images, labels=labels, names=LABELS, normal="good")


def classify(labels: list[int], **changes: object) -> Classification:
    dataset = make_labelled(labels)
    task = make_task(CLASSIFIER.for_classes(LABELS), dataset, Objective("ce", **changes))
    assert isinstance(task, Classification)
    task.prepare(make_store(dataset))
    return task


def segment(dataset: ArrayDataset, **changes: object) -> Segmentation:
    task = make_task(SEGMENTER, dataset, Objective(**{"name": "bce", **changes}))
    assert isinstance(task, Segmentation)
    task.prepare(make_store(dataset))
    return task


# What is refused


@pytest.mark.parametrize(("value", "absent"), [(0, "defect"), (1, "background")])
def test_a_class_that_no_mask_shows_is_refused_by_name(value: int, absent: str) -> None:
    size = (8, 8)
    dataset = ArrayDataset([np.zeros(size, np.uint8)] * 3, [np.full(size, value, np.uint8)] * 3)
    with pytest.raises(DatasetError, match=f"shows no {absent}: nothing can be learnt"):
        segment(dataset)


def test_classes_that_no_image_has_are_refused_by_name() -> None:
    with pytest.raises(DatasetError, match="shows no hole, stain: nothing can be learnt") as caught:
        classify([0, 0])
    assert "--seed" in caught.value.remedy


def test_losses_of_the_other_task_are_refused() -> None:
    with pytest.raises(UsageProblem, match="'ce'; choose from bce, dice, dice-bce, tversky"):
        make_task(SEGMENTER, draw_pixels((4, 4)), Objective("ce"))
    with pytest.raises(UsageProblem, match="'dice'; choose from ce"):
        make_task(CLASSIFIER, make_labelled([0]), Objective("dice"))


@pytest.mark.parametrize("weights", [{"positive_weight": 2.0}, {"class_weights": "balanced"}])
def test_weights_are_refused_where_the_loss_takes_none(weights: dict[str, object]) -> None:
    with pytest.raises(UsageProblem, match="only bce does"):
        make_task(SEGMENTER, draw_pixels((4, 4)), Objective("tversky", **weights))


def test_a_classifier_takes_no_weight_of_defective_pixels() -> None:
    with pytest.raises(UsageProblem, match="classifies"):
        make_task(CLASSIFIER, make_labelled([0]), Objective("ce", positive_weight=2.0))


# Weights


def test_balanced_pixels_by_hand() -> None:
    """6 background and 2 defective pixels: weights 8 / (2·6) and 8 / (2·2), 1 on average."""
    mask = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], np.uint8)
    task = segment(ArrayDataset([np.zeros((2, 4), np.uint8)], [mask]), class_weights="balanced")
    logits = torch.randn(1, 1, 2, 4, generator=torch.Generator().manual_seed(0))
    each = F.binary_cross_entropy_with_logits(
        logits, torch.from_numpy(mask)[None, None].float(), reduction="none"
    )
    weights = torch.where(torch.from_numpy(mask).bool(), 2.0, 2 / 3)
    batch = make_batch(np.zeros((1, 2, 4), np.uint8), mask[None])
    expected = float((each[0, 0] * weights).sum() / weights.sum())
    assert float(task.loss(logits, batch)) == pytest.approx(expected, rel=1e-5)
    # Both classes weigh the same now.
    assert float(weights[mask == 1].sum()) == pytest.approx(float(weights[mask == 0].sum()))


def test_balanced_pixels_leave_padding_out() -> None:
    mask = np.array([[1, 0, 0, 0]], np.uint8)
    task = segment(ArrayDataset([np.zeros((1, 4), np.uint8)], [mask]), class_weights="balanced")
    logits = torch.tensor([1.0, -2.0, 0.5, 3.0]).view(1, 1, 1, 4)
    counts = np.array([[[True, True, False, False]]])
    padded = make_batch(np.zeros((1, 1, 4), np.uint8), mask[None], counts)
    alone = make_batch(np.zeros((1, 1, 2), np.uint8), mask[None, :, :2].copy())
    assert float(task.loss(logits, padded)) == pytest.approx(
        float(task.loss(logits[..., :2], alone)), rel=1e-6
    )


def test_a_positive_weight_reaches_the_loss() -> None:
    dataset = draw_pixels((4, 4))
    logits = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    mask = dataset.load(0).known_mask
    batch = make_batch(np.zeros((1, 4, 4), np.uint8), mask[None])
    found = segment(dataset, positive_weight=4.0).loss(logits, batch)
    expected = binary_cross_entropy(logits, torch.from_numpy(mask)[None], positive_weight=4.0)
    assert float(found) == float(expected) != float(segment(dataset).loss(logits, batch))


def test_balanced_classes_by_hand() -> None:
    """3, 2 and 1 images of 6: weights 6 / (3·3), 6 / (3·2), 6 / (3·1), 1 on average over the images."""
    task = classify([0, 0, 0, 1, 1, 2], class_weights="balanced")
    logits = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    batch = make_batch(np.zeros((2, 4, 4), np.uint8), np.array([0, 2]))
    losses = F.cross_entropy(logits, torch.tensor([0, 2]), reduction="none")
    expected = (losses[0] * 2 / 3 + losses[1] * 2) / (2 / 3 + 2)
    assert float(task.loss(logits, batch)) == pytest.approx(float(expected), rel=1e-5)


def test_equal_classes_weigh_1() -> None:
    logits = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
    batch = make_batch(np.zeros((3, 4, 4), np.uint8), np.array([0, 1, 2]))
    balanced = classify([0, 1, 2], class_weights="balanced").loss(logits, batch)
    assert float(balanced) == pytest.approx(float(classify([0, 1, 2]).loss(logits, batch)), rel=1e-6)


# Measuring


def test_masks_of_a_mixed_size_set_are_measured_as_each_alone() -> None:
    sizes = [(20, 33), (16, 16), (5, 40), (33, 20), (16, 16), (1, 1)]
    dataset = draw_pixels(*sizes)
    store, task = make_store(dataset), segment(dataset)
    meter = task.meter()
    network = torch.nn.Conv2d(1, 1, 1)  # pixel by pixel: padding cannot reach the frame
    with torch.no_grad():
        network.weight.fill_(0.1)
        network.bias.fill_(-12.0)
        for batch in iterate_batches(store, 2, task.form):
            meter.add(network(batch.images.unsqueeze(1).float()), batch)
    matrix = ConfusionMatrix(MERGED)
    for index in range(len(dataset)):
        sample = dataset.load(index)
        found = (np.float32(0.1) * sample.image.astype(np.float32) - 12 >= 0).astype(np.uint8)
        matrix.add(sample.known_mask, found)
    expected = matrix.metrics().to_dict()
    found = meter.metrics()
    assert found["images"] == len(sizes)
    assert found == {key: expected[key] for key in found}
    assert 0.1 < found["miou"] < 0.9


def test_padding_enters_no_measure() -> None:
    """Everything right in the frame and everything wrong in the padding is everything right."""
    truth = np.zeros((1, 16, 16), np.uint8)
    truth[0, :2, :3] = 1
    counts = np.zeros((1, 16, 16), bool)
    counts[0, :5, :6] = True
    batch = make_batch(np.zeros((1, 16, 16), np.uint8), truth, counts)
    object.__setattr__(batch, "sizes", ((5, 6),))
    logits = torch.where(torch.from_numpy(truth == 1), 5.0, -5.0)
    logits[0, 5:] = 5.0
    meter = segment(draw_pixels((16, 16))).meter()
    meter.add(logits.unsqueeze(1), batch)
    assert (meter.metrics()["miou"], meter.metrics()["macc"]) == (1.0, 1.0)


def test_class_figures_by_hand() -> None:
    meter = classify([0, 1, 2]).meter()
    answers = torch.eye(3)[[0, 0, 1, 0]]  # for good, good, hole, hole
    meter.add(answers, make_batch(np.zeros((4, 4, 4), np.uint8), np.array([0, 0, 1, 1])))
    assert meter.metrics() == {
        "accuracy": 0.75,
        "macc": 0.75,
        "recall": {"good": 1.0, "hole": 0.5, "stain": None},
        "images": 4,
    }


def test_an_empty_meter_has_no_figures() -> None:
    assert classify([0, 1, 2]).meter().metrics()["accuracy"] is None
    assert segment(draw_pixels((4, 4))).meter().metrics()["miou"] is None


# Views


def test_kinds_of_defect_are_merged_for_a_network_of_two_classes() -> None:
    dataset = draw_pixels((4, 4), (4, 4))
    dataset.classes = ("background", "hole", "stain")
    view = view_for(dataset, task="segment", classes=2)
    assert view.classes == MERGED
    dataset.classes = ("background", "scratch")
    assert view_for(dataset, task="segment", classes=2) is dataset


def test_a_classifier_sees_normal_or_defective_where_only_that_is_known() -> None:
    clean = np.zeros((4, 4), np.uint8)
    dataset = ArrayDataset([clean] * 3, [clean, np.ones_like(clean), clean])
    view = view_for(dataset, task="classify", classes=2)
    assert (view.labels, view.normal_label) == ((NORMAL, DEFECTIVE), NORMAL)
    assert [item.label for item in view.items] == [0, 1, 0]
    labelled = make_labelled([0, 1])
    assert view_for(labelled, task="classify", classes=2) is labelled


def test_data_without_masks_or_classes_say_so() -> None:
    with pytest.raises(DatasetError, match="no pixel masks"):
        view_for(make_labelled([0, 1]), task="segment", classes=2)
    with pytest.raises(DatasetError, match="names no class per image"):
        view_for(ArrayDataset([np.zeros((4, 4), np.uint8)]), task="classify", classes=2)


def test_the_part_is_named_not_the_whole() -> None:
    dataset = make_labelled([0, 1, 2])
    part = Subset(dataset, [0, 1], name="plates#train")
    task = make_task(CLASSIFIER.for_classes(LABELS), dataset, Objective("ce"))
    with pytest.raises(DatasetError, match="plates#train shows no stain"):
        task.prepare(make_store(part))
