"""The JSON document of a check."""

from __future__ import annotations

import json

from edgekit.data.checking.document import make_document
from edgekit_runtime.errors import FrameError
from tests.edgekit.data.checking.drawn import Drawn, DrawnDataset, check, make_mask


def test_the_document_says_what_the_check_found() -> None:
    images = [
        Drawn("train/a", mask=make_mask((8, 8, 8, 8, 1)), label=0, group="plate"),
        Drawn("test/b", mask=make_mask(), label=1, defective=False, group="plate"),
        Drawn("test/c", error=FrameError("It is broken.")),
    ]
    document = make_document(check(DrawnDataset(images, labels=("hole", "free"))))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["schema"] == "edgekit.data-check/1"
    assert document["classes"] == ["background", "defect"]
    assert document["images"] == {
        "total": 3,
        "unreadable": 1,
        "defective": 1,
        "normal": 1,
        "undecided": 0,
        "by_label": {"hole": 1, "free": 1},
        "by_stratum": {"all": 2},
        "by_channels": {"1": 2},
        "bits_per_channel": 8,
    }
    assert document["sizes"]["commonest"] == [{"height": 48, "width": 64, "images": 2}]
    assert document["kinds"] == [
        {
            "name": "defect",
            "images": 1,
            "masks": 1,
            "mean_share": 64 / 3072,
            "regions": 1,
            "area_px": {"min": 64, "median": 64, "max": 64},
        }
    ]
    assert document["groups"] == {"count": 1, "largest": {"name": "plate", "images": 2}}
    assert document["given_parts"] == {"train": 1, "test": 1}
    assert document["shared_by_parts"] == [
        {"image": "test/b", "part": "test", "other": "train/a", "other_part": "train", "copy": False}
    ]
    assert document["unreadable"] == [{"name": "test/c", "reason": "It is broken.", "bits": None}]
    rules = {finding["rule"] for finding in document["findings"]}
    assert {"unreadable", "leak"} <= rules


def test_what_was_not_looked_for_is_null_and_what_was_not_found_is_empty() -> None:
    dataset = DrawnDataset([Drawn("a"), Drawn("b")])
    assert make_document(check(dataset, compare=False))["similar_pairs"] is None
    assert make_document(check(dataset))["similar_pairs"] == []


def test_nothing_readable_gives_nulls() -> None:
    document = make_document(check(DrawnDataset([Drawn("a", error=FrameError("It is broken."))])))
    assert document["sizes"] is document["grey_levels"]["mean"] is document["groups"]["largest"] is None
    json.dumps(document, allow_nan=False)
