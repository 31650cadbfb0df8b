"""`edgekit export --precision …`, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.cli.export import export
from edgekit_export.rewriting import REWRITES
from edgekit_runtime import Bundle, Detector
from edgekit_runtime.verification import verify_bundle
from tests.edgekit.conftest import RunCli
from tests.edgekit.image_folders import draw_plate, save

SMALL = ("export", "--model", "cheapnet-g3", "--untrained", "--size", "64x80", "--max-drop", "100")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """Frames of a line, without masks."""
    folder = tmp_path / "line"
    folder.mkdir()
    for index in range(3):
        save(folder / f"{index}.png", draw_plate(index, (64, 80))[0])
    return folder


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_lower_precision_is_written_judged_and_run(
    run_cli: RunCli, here: Path, line: Path, precision: str
) -> None:
    more = ("--calibrate-on", line) if precision == "int8" else ()
    result = run_cli(*SMALL, "--precision", precision, *more, "--out", "low.edgekit", "--json")
    assert result.code == 0, result.err
    document = json.loads(result.out)
    names = [check["name"] for check in document["parity"]]
    assert "task metric: miou" in names
    assert f"{precision}: task metric: miou" in names
    assert f"{precision}: class flips" in names
    assert document["cpu_speed"]["ratio"]["low"] <= document["cpu_speed"]["ratio"]["high"]
    assert f"On this CPU (onnxruntime) {precision} is" in result.err
    assert document["metric"]["max_drop"] == 100
    assert document["metric"]["drop"] == pytest.approx(
        100 * (document["metric"]["fp32"] - document["metric"]["lowered"])
    )
    manifest = Bundle.open(here / "low.edgekit").manifest
    assert (document["precision"], manifest.precision) == (precision, precision)
    assert verify_bundle(here / "low.edgekit").ok
    with Detector(here / "low.edgekit") as detector:
        answer = detector(draw_plate(0, (64, 80))[0])
    assert (answer.backend, answer.precision) == ("onnxruntime", precision)
    if precision == "int8":
        assert (manifest.lowering.calibration.data, manifest.lowering.calibration.images) == ("line", 3)
        assert document["calibration"]["fingerprint"] == manifest.lowering.calibration.fingerprint
        assert "int8" in {layer["precision"] for layer in document["layers"]}
    else:
        assert manifest.lowering.calibration is None


def test_int8_shows_the_table_of_layers(run_cli: RunCli, here: Path, line: Path) -> None:
    words = ("--precision", "int8", "--calibrate-on", line, "--keep", "output.0.Conv")
    result = run_cli(*SMALL, *words)
    assert result.code == 0, result.err
    [row] = [text for text in result.err.splitlines() if text.startswith("output.0.Conv ")]
    assert "fp32" in row
    assert "it was asked to stay" in row


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--precision", "int4"), 2, "int4"),
        (("--precision", "fp16", "--keep", "encoder1.0.Conf"), 2, "encoder1.0.Conv"),
        (("--precision", "fp16", "--calibrate-on", "synthetic:dagm/6"), 2, "fp16 is not calibrated"),
        (("--precision", "int8"), 2, "--calibrate-on"),
        (("--precision", "int8", "--calibrate-on", "gone"), 8, "gone"),
        (("--precision", "int8", "--calibrate-on", "."), 8, "holds no images"),
        (("--precision", "fp16", "--max-drop", "-1"), 2, "0 to 100 points"),
        (("--sm", "86"), 2, "--sm is for engines"),
        (("--engine", "tensorrt-rtx", "--target", "cpu"), 2, "Leave one of them out"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    run_cli: RunCli, here: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    result = run_cli(*SMALL, *words)
    assert (result.code, result.out) == (code, ""), result.err
    assert message in result.err
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "draw", "code", "message"),
    [
        ("constant", lambda: np.full((64, 80), 77, np.uint8), 8, "there is nothing to measure"),
        ("foreign", lambda: draw_plate(0, (128, 160))[0], 8, "fits the bundle's 64×80"),
    ],
)
def test_images_that_calibrate_nothing_are_refused(
    run_cli: RunCli, here: Path, tmp_path: Path, name: str, draw: object, code: int, message: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for index in range(2):
        save(folder / f"{index}.png", draw())
    result = run_cli(*SMALL, "--precision", "int8", "--calibrate-on", folder)
    assert result.code == code, result.err
    assert message in result.err
    assert list(here.iterdir()) == []


def test_every_rewrite_can_be_chosen() -> None:
    [option] = [item for item in export.params if item.name == "rewrites"]
    assert list(option.type.choices) == sorted(REWRITES)
