"""`edgekit data convert`."""

from __future__ import annotations

import json
from pathlib import Path

from edgekit.data import open_dataset
from tests.edgekit.conftest import RunCli
from tests.edgekit.data.layouts.annotation_folders import edit_json, write_coco


def test_it_writes_a_folder_and_says_what_it_found(run_cli: RunCli, tmp_path: Path) -> None:
    source = write_coco(tmp_path / "source")
    result = run_cli("data", "convert", source, tmp_path / "out")
    assert (result.code, result.out) == (0, f"{tmp_path / 'out'}\n")
    assert f"{source} (COCO): 12 images." in result.err
    assert open_dataset(str(tmp_path / "out")).classes == ("background", "hole", "scratch")


def test_json_counts_what_was_written(run_cli: RunCli, tmp_path: Path) -> None:
    result = run_cli(
        "data", "convert", write_coco(tmp_path / "source"), tmp_path / "out", "--json", "--quiet"
    )
    assert (result.code, result.err) == (0, "")
    document = json.loads(result.out)
    assert document["schema"] == "edgekit.data-convert/1"
    assert (document["layout"], document["images"]) == ("COCO", 12)
    assert document["defective"] == {"false": 3, "true": 9}
    assert document["images_per_kind"] == {"hole": 6, "scratch": 3}
    assert document["fingerprint"] == open_dataset(str(tmp_path / "out")).fingerprint()


def test_defective_images_alone(run_cli: RunCli, tmp_path: Path) -> None:
    source = write_coco(tmp_path / "source")
    result = run_cli("data", "convert", source, tmp_path / "out", "--defective-only", "--json")
    assert json.loads(result.out)["defective"] == {"true": 9}


def test_boxes_are_told_of_or_taken(run_cli: RunCli, tmp_path: Path) -> None:
    source = write_coco(tmp_path / "source")
    annotations = source / "annotations" / "instances_train.json"
    edit_json(annotations, lambda content: [entry.pop("segmentation") for entry in content["annotations"]])
    result = run_cli("data", "convert", source, tmp_path / "without")
    assert "note: these data have no masks. 9 regions are boxes without an outline" in result.err
    assert not (tmp_path / "without" / "masks").exists()
    result = run_cli("data", "convert", source, tmp_path / "with", "--boxes-as-masks")
    assert result.code == 0
    assert open_dataset(str(tmp_path / "with")).load(0).mask is not None


def test_images_of_one_size(run_cli: RunCli, tmp_path: Path) -> None:
    source = write_coco(tmp_path / "source")
    result = run_cli("data", "convert", source, tmp_path / "out", "--resize", "12x20", "--json")
    document = json.loads(result.out)
    assert document["resized_to"] == [12, 20]
    dataset = open_dataset(str(tmp_path / "out"))
    assert dataset.name.endswith("@12x20")
    assert document["fingerprint"] == dataset.fingerprint()
    assert {dataset.load(index).image.shape[:2] for index in range(len(dataset))} == {(12, 20)}


def test_sizes_that_cannot_be(run_cli: RunCli, tmp_path: Path) -> None:
    source = write_coco(tmp_path / "source")
    large = run_cli("data", "convert", source, tmp_path / "out", "--resize", "99999x99999", "--quiet")
    large.refused(2, "99999×99999", "150,000,000 pixels", "Choose the size")
    for size in ("128", "0x5", "-3x3"):
        result = run_cli("data", "convert", source, tmp_path / "out", f"--resize={size}")
        assert result.code == 2
        assert "is no size" in result.err
    assert not (tmp_path / "out").exists()


def test_refusals(run_cli: RunCli, tmp_path: Path) -> None:
    source = write_coco(tmp_path / "source")
    run_cli("data", "convert", source, source, "--quiet").refused(2, "is there already", "Name a new folder")
    run_cli("data", "convert", source, tmp_path / "a" / "b", "--quiet").refused(2, "is no directory")
    run_cli("data", "convert", tmp_path / "lost", tmp_path / "out", "--quiet").refused(
        8, "There is no folder"
    )
    assert not (tmp_path / "out").exists()
