"""Escapes, overkill and AUROC of whole images."""

from __future__ import annotations

import json

import pytest

from edgekit.evaluation.image_level import JudgedImage, measure_images

IMAGES = (
    JudgedImage(defective=True, flagged=True, score=5, height_px=100),
    JudgedImage(defective=True, flagged=False, score=1, height_px=100),
    JudgedImage(defective=False, flagged=True, score=3, height_px=100),
    JudgedImage(defective=False, flagged=False, score=0, height_px=100),
    JudgedImage(defective=False, flagged=False, score=1, height_px=100),
)


def test_by_hand() -> None:
    metrics = measure_images(IMAGES, score="peak logit", mm_per_px=2.5)
    assert [image.outcome for image in IMAGES] == ["found", "escape", "overkill", "passed", "passed"]
    assert (metrics.escape.count, metrics.escape.total) == (1, 2)
    assert (metrics.overkill.count, metrics.overkill.total) == (1, 3)
    assert metrics.auroc == pytest.approx((3 + 0 + 1 + 0.5) / 6)
    assert metrics.per_metre.to_dict() == pytest.approx(
        {"metres": 1.25, "escapes": 1 / 1.25, "overkills": 1 / 1.25}
    )


def test_without_defect_free_images_there_is_no_overkill() -> None:
    metrics = measure_images(IMAGES[:2], score="peak logit")
    assert (metrics.overkill.value, metrics.auroc, metrics.per_metre) == (None, None, None)
    # No overkill per metre is no praise where nothing could be overkilled.
    per_metre = measure_images(IMAGES[:2], score="peak logit", mm_per_px=5).per_metre
    assert (per_metre.escapes, per_metre.overkills) == (1.0, None)
    assert measure_images(IMAGES[2:], score="peak logit").escape.value is None


def test_no_image_at_all() -> None:
    metrics = measure_images([], score="peak logit", mm_per_px=1.0)
    assert metrics.per_metre is None
    assert json.loads(json.dumps(metrics.to_dict(), allow_nan=False))["auroc"] is None
