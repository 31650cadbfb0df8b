"""`edgekit detect`, with the bundle that ships."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.data.synthetic import render
from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime import Detector
from edgekit_runtime.bundle import Bundle, ClassRule, VerdictRules, write_bundle
from tests.edgekit.conftest import RunCli
from tests.edgekit.image_folders import load, save, write_deep_png, write_png_header


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two defective images and a defect-free one, of the demo bundle's size. Read only."""
    folder = tmp_path_factory.mktemp("images")
    for index, defective in enumerate((True, True, False)):
        save(folder / f"{index}.png", render(6, index, defective=defective, seed=2026)[0])
    return folder


def test_document(run_cli: RunCli, images: Path) -> None:
    result = run_cli("detect", DEMO_BUNDLE, images, "--json")
    assert result.code == 0
    document = json.loads(result.out)
    assert document["schema"] == "edgekit.detect/1"
    assert document["errors"] == []
    assert [entry["image"] for entry in document["results"]] == [str(images / f"{n}.png") for n in range(3)]
    for entry in document["results"]:
        keys = {"image", "verdict", "reason", "label", "probabilities", "exit", "regions"}
        assert keys | {"backend", "precision", "latency_ms"} <= entry.keys()
        assert (entry["probabilities"], entry["exit"]) == (None, None)
        assert (entry["backend"], entry["precision"]) == ("fused", "fp32")
        assert entry["latency_ms"] > 0
    region = document["results"][0]["regions"][0]
    assert {"x1", "y1", "x2", "y2", "area_px"} <= region.keys()
    assert document["results"][0]["verdict"] == "reject"


def test_regions_are_those_of_the_detector(run_cli: RunCli, images: Path) -> None:
    arguments = ("--json", "--threshold", "1.5", "--min-area", "50", "--connectivity", "4")
    found = json.loads(run_cli("detect", DEMO_BUNDLE, images / "0.png", *arguments).out)["results"][0]
    options = {"thresholds": {"threshold": 1.5}, "min_area_px": 50, "connectivity": 4}
    with Detector(DEMO_BUNDLE, **options) as detector:
        expected = detector(load(images / "0.png"))
    assert found["regions"] == [region.to_dict() for region in expected.regions]


def test_the_threshold_counts(run_cli: RunCli, images: Path) -> None:
    arguments = ("detect", DEMO_BUNDLE, images, "--json", "--threshold")
    everything, nothing = (json.loads(run_cli(*arguments, value).out)["results"] for value in ("-1e9", "1e9"))
    assert all(entry["regions"][0]["area_px"] == 512 * 512 for entry in everything)
    assert all(entry["verdict"] == "accept" for entry in nothing)


def test_people_read_one_line_per_image_and_region(run_cli: RunCli, images: Path) -> None:
    result = run_cli("detect", DEMO_BUNDLE, images / "0.png", "--min-area", 200)
    lines = result.out.splitlines()
    assert lines[0].startswith(f"{images / '0.png'}: reject")
    assert all(line.startswith("  defect x ") for line in lines[1:])
    assert len(lines) > 1


@pytest.fixture
def plant_bundle(tmp_path: Path) -> Path:
    """The demo bundle with the rules of a plant, 0.1 mm per pixel."""
    bundle = Bundle.open(DEMO_BUNDLE)
    manifest = replace(
        bundle.manifest,
        rules=VerdictRules(others=ClassRule(min_area_mm2=2.0)),
        input=replace(bundle.manifest.input, mm_per_pixel=0.1),
    )
    files = {name: bundle.read(name) for name in manifest.files}
    return write_bundle(tmp_path / "plant.edgekit", manifest, files).path


def test_the_rules_of_the_bundle_decide(run_cli: RunCli, images: Path, plant_bundle: Path) -> None:
    (found,) = json.loads(run_cli("detect", plant_bundle, images / "0.png", "--json").out)["results"]
    (all_of_it,) = json.loads(
        run_cli("detect", plant_bundle, images / "0.png", "--json", "--min-area", 0).out
    )["results"]
    assert found["regions"] == [region for region in all_of_it["regions"] if region["area_px"] >= 200]
    assert 0 < len(found["regions"]) < len(all_of_it["regions"])
    region = found["regions"][0]
    assert region["area_mm2"] == pytest.approx(region["area_px"] / 100)
    assert region["box_mm"] == pytest.approx([region[key] / 10 for key in ("x1", "y1", "x2", "y2")])
    assert "mm² at x " in found["reason"]
    assert "px, " in run_cli("detect", plant_bundle, images / "0.png").out.splitlines()[1]


def test_demo_weights_announce_themselves_on_stderr(run_cli: RunCli, images: Path) -> None:
    assert "Demo weights" in run_cli("detect", DEMO_BUNDLE, images / "0.png").err
    assert run_cli("detect", DEMO_BUNDLE, images / "0.png", "--quiet").err == ""


def test_masks_and_overlays(run_cli: RunCli, images: Path, tmp_path: Path) -> None:
    masks, overlay = tmp_path / "masks", tmp_path / "overlay"
    assert run_cli("detect", DEMO_BUNDLE, images, "--masks", masks, "--overlay", overlay).code == 0
    assert {path.name for path in masks.iterdir()} == {path.name for path in overlay.iterdir()}
    assert {path.name for path in masks.iterdir()} == {"0.png", "1.png", "2.png"}
    frame = load(images / "1.png")
    with Detector(DEMO_BUNDLE) as detector:
        assert np.array_equal(load(masks / "1.png"), detector(frame).mask * 255)
    assert load(overlay / "1.png").shape == (512, 512, 3)


def write_text(path: Path) -> None:
    path.write_text("no image")


BAD_IMAGES = {
    "unreadable": (write_text, "no image that edgekit reads"),
    "empty": (lambda path: path.write_bytes(b""), "no image that edgekit reads"),
    "with alpha": (lambda path: save(path, np.zeros((512, 512, 4), np.uint8)), "RGBA"),
    "of 16 bits": (lambda path: save(path, np.zeros((512, 512), np.uint16)), "16-bit"),
    "of 16 bits, RGB": (lambda path: write_deep_png(path, 8, 8, channels=3), "16 bits"),
    "in colour": (
        lambda path: save(path, np.dstack([np.full((512, 512), n, np.uint8) for n in (1, 2, 3)])),
        "colour",
    ),
    "of another size": (lambda path: save(path, np.zeros((512, 500), np.uint8)), "512"),
    "a bomb": (lambda path: write_png_header(path, 60_000, 60_000), "at most"),
    "missing": (lambda _path: None, "no file"),
    "a folder without images": (lambda path: path.mkdir(), "holds no images"),
}


@pytest.mark.parametrize("case", list(BAD_IMAGES))
def test_bad_images_end_with_8(run_cli: RunCli, tmp_path: Path, case: str) -> None:
    write, word = BAD_IMAGES[case]
    write(tmp_path / "bad.png")
    result = run_cli("detect", DEMO_BUNDLE, tmp_path / "bad.png", "--quiet")
    assert (result.code, result.out) == (8, "")
    lines = result.err.splitlines()
    assert all(word in line and "bad.png" in line for line in lines[:-1])
    assert lines[0].startswith("edgekit: ")
    assert lines[-1].startswith("  → ")
    assert len(lines) <= 3


def test_one_bad_image_does_not_stop_the_others(run_cli: RunCli, images: Path, tmp_path: Path) -> None:
    write_text(tmp_path / "bad.png")
    masks = tmp_path / "masks"
    words = (images / "0.png", tmp_path / "bad.png", images / "1.png")
    result = run_cli("detect", DEMO_BUNDLE, *words, "--json", "--quiet", "--masks", masks)
    document = json.loads(result.out)
    assert result.code == 8
    assert [entry["image"] for entry in document["results"]] == [str(words[0]), str(words[2])]
    assert [entry["image"] for entry in document["errors"]] == [str(words[1])]
    assert document["errors"][0]["remedy"]
    assert {path.name for path in masks.iterdir()} == {"0.png", "1.png"}
    assert "1 of 3 images" in result.err


def test_a_file_name_that_is_no_text_is_no_crash(run_cli: RunCli, images: Path, tmp_path: Path) -> None:
    strange = os.fsencode(tmp_path) + b"/\xff.png"
    Path(os.fsdecode(strange)).write_bytes((images / "0.png").read_bytes())
    result = run_cli("detect", DEMO_BUNDLE, tmp_path, "--json", "--quiet")
    assert result.code == 0, result.err
    assert json.loads(result.out)["results"][0]["image"] == os.fsdecode(strange)


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("--device", "jetson"), 5, "--host"),
        (("--device", "cuda"), 5, "--device cpu"),
        (("--device", "tpu"), 2, "tpu"),
        (("--backend", "magic"), 2, "magic"),
        (("--threshold", "nan"), 2, "threshold"),
    ],
)
def test_options_that_do_not_exist_here(run_cli: RunCli, images: Path, arguments, code, word) -> None:
    run_cli("detect", DEMO_BUNDLE, images, *arguments).refused(code, word)


def test_a_missing_bundle(run_cli: RunCli, images: Path, tmp_path: Path) -> None:
    run_cli("detect", tmp_path / "nowhere.edgekit", images).refused(2, "nowhere.edgekit")


def test_two_images_of_one_name_are_refused_where_files_are_written(
    run_cli: RunCli, images: Path, tmp_path: Path
) -> None:
    save(tmp_path / "0.bmp", load(images / "0.png"))
    words = ("detect", DEMO_BUNDLE, images / "0.png", tmp_path / "0.bmp", "--quiet")
    run_cli(*words, "--masks", tmp_path / "m").refused(2, "2 images are called 0")
    assert not (tmp_path / "m").exists()
    assert run_cli(*words).code == 0


def test_results_do_not_overwrite_the_images(run_cli: RunCli, images: Path) -> None:
    before = (images / "0.png").read_bytes()
    run_cli("detect", DEMO_BUNDLE, images, "--masks", images).refused(2, "the images themselves")
    assert (images / "0.png").read_bytes() == before
