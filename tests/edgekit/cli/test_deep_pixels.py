"""A plant with a 12-bit camera, and one with RGB files and a grey network: from the folder to the answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.checkpoints import load_checkpoint, load_network
from edgekit.evaluation.predictors import predict_with_network
from edgekit_runtime import Bundle, Detector
from edgekit_runtime.bundle import PixelFormat
from tests.edgekit.conftest import RunCli
from tests.edgekit.image_folders import draw_plate, load, save

TINY = ("--model", "cheapnet-s", "--recipe", "quick", "--epochs", "1")
SIZE = (32, 48)


def write_plates(root: Path, *, deep: bool) -> Path:
    """Write images/ and masks/: 12-bit grey, or RGB whose channels differ."""
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for index in range(12):
        image, mask = draw_plate(index, SIZE)
        colours = np.stack([image, image // 2, 255 - image], axis=2)
        pixels = image.astype(np.uint16) * 16 + index if deep else colours
        save(root / "images" / f"plate-{index:02}.png", pixels)
        save(root / "masks" / f"plate-{index:02}.png", mask)
    return root


@pytest.fixture
def plates(tmp_path: Path) -> Path:
    return write_plates(tmp_path / "plates", deep=True)


@pytest.mark.slow
def test_a_12_bit_folder_is_trained_measured_exported_and_inspected(
    run_cli: RunCli, plates: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    result = run_cli("train", *TINY, "--data", plates, "--bits", 12, "--augment", "light", "--out", run)
    assert result.code == 0
    assert "pixels of 12 bits, 4095 counts as 1.0" in result.err
    record, weights = load_checkpoint(run / "best")
    assert record.pixels == PixelFormat("grey", "equal", 12, 4095.0)
    assert 0.3 < record.normalisation.mean[0] < 0.5
    measured = run_cli("eval", run / "best", "--data", plates, "--split", "all", "--json")
    bundle = tmp_path / "line.edgekit"
    exported = run_cli(
        "export", "--model", "cheapnet-s", "--checkpoint", run / "best", "--data", plates, "--out", bundle
    )
    assert exported.code == 0, exported.err
    assert Bundle.open(bundle).manifest.input.pixels == record.pixels
    assert "12-bit grey frames" in run_cli("verify", bundle).out
    again = run_cli("eval", bundle, "--data", plates, "--split", "all", "--json")
    ious = [json.loads(each.out)["metrics"]["miou"] for each in (measured, again)]
    assert ious[0] == pytest.approx(ious[1], abs=1e-3)
    images = sorted((plates / "images").iterdir())
    found = run_cli("detect", bundle, *images, "--overlay", tmp_path / "shown", "--masks", tmp_path / "masks")
    assert found.code == 0, found.err
    predict = predict_with_network(
        load_network(record, weights), record.normalisation, multiple=16, pixels=record.pixels
    )
    with Detector(bundle) as detector:
        for path in images:
            frame = load(path)
            expected = predict(frame).mask
            # A logit within rounding of the threshold may fall on either side.
            assert np.mean(detector(frame).mask != expected) <= 1e-3
            assert np.mean(load(tmp_path / "masks" / path.name) != 255 * expected) <= 1e-3
            untouched = load(tmp_path / "shown" / path.name)[expected == 0]
            assert untouched.dtype == np.uint8
    run_cli("detect", bundle, plates / "masks" / "plate-00.png").refused(8, "8-bit image", "12-bit grey")


@pytest.mark.slow
def test_rgb_files_for_a_grey_network_go_by_the_stated_formula(run_cli: RunCli, tmp_path: Path) -> None:
    plates = write_plates(tmp_path / "plates", deep=False)
    run, bundle = tmp_path / "run", tmp_path / "line.edgekit"
    run_cli("train", *TINY, "--data", plates, "--out", run).refused(8, "in colour", "--grey bt601")
    result = run_cli("train", *TINY, "--data", plates, "--grey", "bt601", "--out", run)
    assert result.code == 0, result.err
    assert "RGB becomes grey by bt601" in result.err
    assert run_cli("export", "--model", "cheapnet-s", "--checkpoint", run / "best", "--out", bundle).code == 0
    pixels = Bundle.open(bundle).manifest.input.pixels
    assert pixels == PixelFormat("grey", "bt601", 8, 255.0)
    path = plates / "images" / "plate-03.png"
    red, green, blue = np.moveaxis(load(path).astype(np.int64), 2, 0)
    grey = ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)
    with Detector(bundle) as detector:
        expected = detector(grey)
        assert np.array_equal(detector(load(path)).mask, expected.mask)
    found = json.loads(run_cli("detect", bundle, path, "--json").out)["results"][0]
    assert [region["area_px"] for region in found["regions"]] == [r.area_px for r in expected.regions]
    assert run_cli("eval", bundle, "--data", plates).code == 0


def test_deep_files_are_named_with_what_to_type(run_cli: RunCli, plates: Path, image_folder: Path) -> None:
    result = run_cli("data", "check", plates)
    assert result.code == 8
    assert "All 12 images have files of 16 bits, with values that need 12; stated are 8 bits." in result.out
    assert "--bits 12" in result.out
    result = run_cli("data", "check", plates, "--bits", 12, "--json")
    assert (result.code, json.loads(result.out)["images"]["bits_per_channel"]) == (0, 12)
    words = run_cli("data", "check", plates, "--bits", 12).out
    assert "12 bits each" in words
    assert "of 4095" in words
    assert "nearly white" not in words
    result = run_cli("data", "check", image_folder, "--bits", 12)
    assert result.code == 8
    assert "files of 8 bits; stated are 12 bits" in " ".join(result.out.split())


def test_the_page_shows_deep_images_by_the_stated_scale(
    run_cli: RunCli, plates: Path, tmp_path: Path
) -> None:
    shown = []
    for scale in (4095, 40950):
        out = tmp_path / f"page-{scale}"
        assert run_cli("data", "check", plates, "--bits", 12, "--scale", scale, "--out", out).code == 0
        shown.append(float(load(out / "sheet.png").mean()))
    assert shown[0] > shown[1] + 20


def test_values_beyond_the_stated_depth_are_refused(run_cli: RunCli, plates: Path, tmp_path: Path) -> None:
    run_cli("train", *TINY, "--data", plates, "--bits", 10, "--out", tmp_path / "run").refused(
        8, "pixels of 10 bits go from 0 to 1023", "--bits 12"
    )
    run_cli("train", *TINY, "--data", plates, "--out", tmp_path / "run").refused(8, "16-bit image", "--bits")


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "inf", "1e-300"])
def test_scales_that_no_bundle_could_have(run_cli: RunCli, tmp_path: Path, scale: str) -> None:
    run_cli("data", "check", tmp_path, "--scale", scale).refused(2, "counts as 1.0, 1e-09 to 1e+09")
    options = (*TINY, "--data", tmp_path, "--scale", scale, "--out", tmp_path / "run")
    run_cli("train", *options).refused(2, "counts as 1.0")


def test_a_network_for_colours_takes_no_grey_formula(
    run_cli: RunCli, image_folder: Path, tmp_path: Path
) -> None:
    choices = ("--model", "unet", "--recipe", "quick", "--grey", "bt709", "--out", tmp_path / "run")
    run_cli("train", *choices, "--data", image_folder).refused(2, "takes colours as they are", "--grey bt709")


def test_converted_data_keep_their_depth(run_cli: RunCli, plates: Path, tmp_path: Path) -> None:
    assert run_cli("data", "convert", plates, tmp_path / "out", "--bits", 12, "--quiet").code == 0
    for path in (plates / "images").iterdir():
        assert np.array_equal(load(tmp_path / "out" / "images" / path.name), load(path))
    run_cli("data", "convert", plates, tmp_path / "no", "--quiet").refused(8, "16-bit image")
    assert not (tmp_path / "no").exists()
