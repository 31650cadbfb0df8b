"""AP of boxes against COCO's own code."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from faster_coco_eval import COCO, COCOeval_faster
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.evaluation.average_precision import ImageBoxes, average_precision, box_masks, box_regions
from edgekit.evaluation.defect_level import LabelledRegions
from edgekit_runtime.regions import label_regions


def evaluate_with_coco(images: list[ImageBoxes]) -> tuple[float, float]:
    """AP@[.5:.95] and AP50 of faster-coco-eval."""

    def as_coco(box: np.ndarray) -> list[float]:
        x1, y1, x2, y2 = box.tolist()
        return [x1, y1, x2 - x1, y2 - y1]

    truths = [(number, as_coco(box)) for number, image in enumerate(images) for box in image.truth]
    data = {
        "info": {},
        "images": [{"id": number, "width": 1000, "height": 1000} for number in range(len(images))],
        "categories": [{"id": 1, "name": "defect"}],
        "annotations": [
            {
                "id": index + 1,
                "image_id": number,
                "category_id": 1,
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            for index, (number, box) in enumerate(truths)
        ],
    }
    answers = [
        {"image_id": number, "category_id": 1, "bbox": as_coco(box), "score": float(score)}
        for number, image in enumerate(images)
        for box, score in zip(image.found, image.scores, strict=True)
    ]
    if not answers:
        return 0.0, 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(data)
        evaluation = COCOeval_faster(truth, truth.loadRes(answers), "bbox", print_function=lambda *_: None)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0]), float(evaluation.stats[1])


def make_images(seed: int, *, images: int, boxes: int, scores: int, jitter: int) -> list[ImageBoxes]:
    """Random true boxes; found ones are near them, or anywhere. Few different scores make ties."""
    generator = np.random.default_rng(seed)

    def draw(count: int) -> np.ndarray:
        corner, size = generator.integers(0, 60, (count, 2)), generator.integers(1, 40, (count, 2))
        return np.concatenate([corner, corner + size], axis=1).astype(float)

    made = []
    for _ in range(images):
        truth = draw(int(generator.integers(boxes + 1)))
        near = truth[generator.random(len(truth)) < 0.8]
        near = near + generator.integers(-jitter, jitter + 1, near.shape)
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        found = np.concatenate([near, draw(int(generator.integers(boxes + 1)))])
        # Powers of two: exact in any precision, so that ties are ties.
        made.append(ImageBoxes(truth, found, 0.5 ** generator.integers(0, scores, len(found))))
    return made


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    images=st.integers(1, 8),
    boxes=st.integers(0, 5),
    scores=st.sampled_from([1, 3, 40]),
    jitter=st.integers(0, 6),
)
def test_equals_coco_on_random_boxes(seed: int, images: int, boxes: int, scores: int, jitter: int) -> None:
    made = make_images(seed, images=images, boxes=boxes, scores=scores, jitter=jitter)
    answer = average_precision(made)
    if not any(len(image.truth) for image in made):
        assert (answer.ap, answer.ap50) == (None, None)
        return
    assert (answer.ap, answer.ap50) == pytest.approx(evaluate_with_coco(made), abs=1e-6)


def test_equals_coco_where_an_image_has_more_boxes_than_count() -> None:
    """Only the hundred best of an image count."""
    made = make_images(7, images=2, boxes=150, scores=40, jitter=2)
    assert max(len(image.found) for image in made) > 100
    answer = average_precision(made)
    assert (answer.ap, answer.ap50) == pytest.approx(evaluate_with_coco(made), abs=1e-6)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_equals_coco_where_a_box_lies_midway_between_two(order: tuple[int, int]) -> None:
    """Which of the two it takes decides whether the next box finds its own."""
    truth = np.array([[0.0, 0, 10, 10], [4, 0, 14, 10]])[list(order)]
    found = np.array([[2.0, 0, 12, 10], [0, 0, 10, 10]])
    images = [ImageBoxes(truth, found, np.array([0.5, 0.25]))]
    answer = average_precision(images)
    assert (answer.ap, answer.ap50) == pytest.approx(evaluate_with_coco(images), abs=1e-6)


def test_equals_coco_on_masks_in_both_modes() -> None:
    generator = np.random.default_rng(3)
    whole, components = [], []
    for _ in range(12):
        truth, found = (np.zeros((40, 50), np.uint8) for _ in range(2))
        for _ in range(int(generator.integers(0, 4))):
            y, x = generator.integers(0, 30, 2)
            truth[y : y + 9, x : x + 12] = 1
            y, x = generator.integers(-2, 3, 2) + np.array([y, x])
            found[max(y, 0) : y + 9, max(x, 0) : x + 12] = 1
        logits = generator.normal(size=found.shape).astype(np.float32)
        whole.append(box_masks(truth, found))
        components.append(
            box_regions(
                LabelledRegions(*label_regions(truth)), LabelledRegions(*label_regions(found)), logits
            )
        )
    for images in (whole, components):
        answer = average_precision(images)
        assert 0 < answer.ap < answer.ap50
        assert (answer.ap, answer.ap50) == pytest.approx(evaluate_with_coco(images), abs=1e-6)


def test_the_box_of_a_whole_mask_is_half_open() -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[1, 2] = mask[3, 5] = 1
    boxes = box_masks(mask, np.zeros_like(mask))
    assert boxes.truth.tolist() == [[2, 1, 6, 4]]
    assert (boxes.found.shape, boxes.scores.shape) == ((0, 4), (0,))


def test_the_score_of_a_region_is_its_mean_probability() -> None:
    mask = np.array([[1, 1, 0, 0, 1]], np.uint8)
    logits = np.array([[0, np.inf, -9, -9, -np.inf]], np.float32)
    regions = LabelledRegions(*label_regions(mask))
    assert box_regions(regions, regions, logits).scores.tolist() == [0.75, 0.0]
    assert box_regions(regions, regions, None).scores.tolist() == [1.0, 1.0]


def test_without_true_boxes_there_is_no_value() -> None:
    empty, box = np.empty((0, 4)), np.array([[0.0, 0, 2, 2]])
    for found in (empty, box):
        images = [ImageBoxes(empty, found, np.ones(len(found)))]
        assert average_precision(images).to_dict() == {"ap": None, "ap50": None}
    assert average_precision([]).ap is None
