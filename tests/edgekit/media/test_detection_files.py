"""The files that `detect` leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.media.detection_files import DetectionWriter, make_document
from edgekit_runtime.errors import IoFault, UsageProblem
from edgekit_runtime.results import Result
from edgekit_runtime.testing import fake_bundle
from tests.edgekit.image_folders import load, mode_of

FRAME = np.full((8, 8), 50, np.uint8)


def make_result(mask: np.ndarray) -> Result:
    return Result("segment", "reject", "test", "fake", "fp32", 1.0, "trained", mask=mask)


def test_one_defect_class_is_black_and_white(tmp_path: Path) -> None:
    mask = np.eye(8, dtype=np.uint8)
    mask.flags.writeable = False  # as the runtime's masks are
    paths = [tmp_path / "in" / "a.jpg"]
    writer = DetectionWriter(overlay=tmp_path / "o" / "v", masks=tmp_path / "m", paths=paths)
    writer.write(paths[0], FRAME, make_result(mask), classes=("background", "defect"))
    assert np.array_equal(load(tmp_path / "m" / "a.png"), mask * 255)
    assert mode_of(tmp_path / "o" / "v" / "a.png") == "RGB"


def test_more_classes_keep_their_index(tmp_path: Path) -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[0, :3] = (0, 1, 2)
    path = tmp_path / "in" / "a.png"
    writer = DetectionWriter(overlay=None, masks=tmp_path / "m", paths=[path])
    writer.write(path, FRAME, make_result(mask), classes=("background", "hole", "stain"))
    assert np.array_equal(load(tmp_path / "m" / "a.png"), mask)
    assert not (tmp_path / "o").exists()


def test_nothing_asked_nothing_written(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    writer = DetectionWriter(overlay=None, masks=None, paths=[path, tmp_path / "b" / "a.png"])
    writer.write(path, FRAME, make_result(FRAME), classes=("background", "defect"))
    assert list(tmp_path.iterdir()) == []


def test_two_images_of_one_name_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    paths = [tmp_path / "x" / "a.png", tmp_path / "y" / "a.jpg"]
    with pytest.raises(UsageProblem, match="2 images are called a") as caught:
        DetectionWriter(overlay=tmp_path / "o", masks=None, paths=paths)
    assert "one folder" in caught.value.remedy
    assert not (tmp_path / "o").exists()


def test_a_mask_beside_its_image_is_told_from_two_folders(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.jpg", "a.png", "b.jpg", "b.png")]
    with pytest.raises(UsageProblem, match=r"2 images are called a, such as .*a\.jpg and .*a\.png") as caught:
        DetectionWriter(overlay=tmp_path / "o", masks=None, paths=paths)
    assert str(tmp_path / "*.jpg") in caught.value.remedy


def test_results_never_overwrite_the_images(tmp_path: Path) -> None:
    for options in (
        {"overlay": tmp_path, "masks": None},
        {"overlay": None, "masks": tmp_path / "." / "x/.."},
    ):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(UsageProblem, match="the images themselves"):
            DetectionWriter(**options, paths=[tmp_path / "a.png"])


def test_overlays_and_masks_never_overwrite_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="same folder"):
        DetectionWriter(overlay=tmp_path / "o", masks=tmp_path / "o", paths=[tmp_path / "in" / "a.png"])


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "o").write_text("a file")
    with pytest.raises(IoFault, match="cannot be made"):
        DetectionWriter(overlay=tmp_path / "o", masks=None, paths=[tmp_path / "in" / "a.png"])


def test_the_document_names_the_bundle_the_results_and_the_errors(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit")
    error = {"image": "b.png", "message": "It is damaged.", "remedy": "Mend it."}
    document = make_document(bundle, [("a.png", make_result(FRAME))], [error])
    assert document["schema"] == "edgekit.detect/1"
    assert document["bundle"] == {"path": str(bundle.path), "digest": bundle.digest}
    assert document["results"][0]["image"] == "a.png"
    assert document["results"][0]["verdict"] == "reject"
    assert document["errors"] == [error]
