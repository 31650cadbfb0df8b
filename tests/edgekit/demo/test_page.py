"""The page: names are escaped."""

from __future__ import annotations

import numpy as np

from edgekit.demo.page import write_page
from edgekit.demo.shown import DemoImage
from edgekit_runtime.results import Region, Result

FRAME = np.zeros((4, 4), np.uint8)


def test_text_is_escaped() -> None:
    mask = np.eye(4, dtype=np.uint8)
    result = Result(
        "segment",
        "reject",
        "<b>1 & 2</b>",
        "fake",
        "fp32",
        1.0,
        "demo",
        mask=mask,
        regions=(Region(0, 1, 2, 3, 4, "defect"),),
    )
    page = write_page(
        [DemoImage("<i>", FRAME, mask, result, np.dstack([FRAME] * 3))], bundle="<script>", min_area_px=200
    )
    assert "<b>" not in page
    assert "<i>" not in page
    assert "<script>" not in page
    assert "IoU 1.00" in page
    assert "4 px" in page


def test_an_image_without_defect_has_no_overlap() -> None:
    result = Result("segment", "accept", "nothing", "fake", "fp32", 1.0, "demo", mask=FRAME)
    image = DemoImage("a", FRAME, FRAME, result, np.dstack([FRAME] * 3))
    assert image.iou is None
    assert "IoU" not in write_page([image], bundle="b", min_area_px=200)
