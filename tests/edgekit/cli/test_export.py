"""`edgekit export`, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgekit_runtime import Bundle, Detector
from tests.edgekit.conftest import RunCli, make_checkpoint
from tests.edgekit.image_folders import draw_plate, load, write_image_folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.slow
def test_the_users_line_writes_the_bundle_into_the_current_folder(run_cli: RunCli, here: Path) -> None:
    result = run_cli("export", "--model", "cheapnet-s")
    assert result.code == 0, result.err
    assert result.out == "cheapnet-s.edgekit\n"
    assert [path.name for path in here.iterdir()] == ["cheapnet-s.edgekit"]
    assert Bundle.open(here / "cheapnet-s.edgekit").manifest.provenance.kind == "demo"
    assert "Demo weights" in result.err
    assert "✓ masks" in result.err
    assert "✗" not in result.err


def test_untrained_weights_of_any_size(run_cli: RunCli, here: Path) -> None:
    words = ("--model", "cheapnet-g3", "--untrained", "--size", "64x80", "--batch", 2, "--out", "a.edgekit")
    result = run_cli("export", *words, "--json")
    document = json.loads(result.out)
    assert result.code == 0
    assert document["schema"] == "edgekit.export/1"
    assert all(check["ok"] for check in document["parity"])
    manifest = Bundle.open(here / "a.edgekit").manifest
    assert document["digest"] == Bundle.open(here / "a.edgekit").digest
    assert (manifest.provenance.kind, manifest.input.height, manifest.input.width) == ("untrained", 64, 80)
    assert "Untrained weights" in result.err
    with Detector(here / "a.edgekit") as detector:
        frames = np.stack([draw_plate(n, (64, 80))[0] for n in range(2)])
        assert len(detector.run_batch(frames)) == 2


@pytest.mark.slow
def test_a_bundle_that_pads_is_used_on_smaller_images(run_cli: RunCli, here: Path, tmp_path: Path) -> None:
    data = write_image_folder(tmp_path / "plates", count=4, size=(60, 75))
    words = ("--model", "cheapnet-s", "--checkpoint", make_checkpoint(tmp_path / "best"), "--size", "64x80")
    result = run_cli("export", *words, "--fit", "pad", "--data", data)
    assert result.code == 0, result.err
    assert "note: The bundle takes frames of up to 64x80 and pads smaller ones" in result.err
    bundle = here / "cheapnet-s.edgekit"
    found = run_cli("detect", bundle, data / "images", "--masks", "masks", "--overlay", "found", "--json")
    assert found.code == 0, found.err
    for entry in json.loads(found.out)["results"]:
        assert all(region["x2"] <= 75 and region["y2"] <= 60 for region in entry["regions"])
    for folder in ("masks", "found"):
        assert {load(path).shape[:2] for path in (here / folder).iterdir()} == {(60, 75)}
    measured = run_cli("eval", bundle, "--data", data, "--json")
    assert measured.code == 0, measured.err
    assert json.loads(measured.out)["metrics"]["images"] == 4
    larger = write_image_folder(tmp_path / "larger", count=1, size=(70, 80))
    run_cli("detect", bundle, larger / "images").refused(
        8, "70, 80", "at most 64, at most 80", "--size 80x80"
    )


@pytest.mark.slow
def test_an_existing_bundle_is_replaced(run_cli: RunCli, here: Path) -> None:
    words = ("export", "--model", "cheapnet-s", "--untrained", "--size", "64x64", "--quiet", "--seed")
    digests = []
    for seed in (1, 1, 2):
        assert run_cli(*words, seed).code == 0
        digests.append(Bundle.open(here / "cheapnet-s.edgekit").digest)
    assert digests[0] == digests[1] != digests[2]
    assert [path.name for path in here.iterdir()] == ["cheapnet-s.edgekit"]


def edit_to_cheapnet_m(folder: Path) -> None:
    record = folder / "checkpoint.json"
    record.write_text(record.read_text().replace("cheapnet-s", "cheapnet-m"))


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (("--model", "cheapnet-x"), 2, "cheapnet-s"),
        (("--model", "cheapnet-std-l"), 2, "--untrained"),
        (("--model", "cheapnet-s", "--checkpoint", "nowhere"), 8, "nowhere"),
        (("--model", "cheapnet-s", "--checkpoint", ".", "--untrained"), 2, "exclude"),
        (("--model", "cheapnet-s", "--size", "100x100"), 2, "96x96"),
        (("--model", "cheapnet-s", "--size", "32x32"), 2, "64"),
        (("--model", "cheapnet-s", "--out", "cheapnet-s.onnx"), 2, ".edgekit"),
        (("--model", "cheapnet-s", "--out", "nowhere/a.edgekit"), 2, "nowhere"),
        (("--model", "cheapnet-s", "--data", "nowhere"), 8, "nowhere"),
        (("--model", "cheapnet-s", "--data", "synthetic:steel"), 2, "synthetic:dagm"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_exported(run_cli: RunCli, here: Path, words, code: int, word: str) -> None:
    result = run_cli("export", *words, "--quiet").refused(code, word)
    assert list(here.iterdir()) == []
    assert result.out == ""


def test_a_checkpoint_of_another_model(run_cli: RunCli, here: Path, tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "c", model="cheapnet-g8")
    words = ("export", "--model", "cheapnet-s", "--checkpoint", folder, "--quiet")
    run_cli(*words).refused(8, "cheapnet-g8")
    assert list(here.iterdir()) == []


def test_a_folder_that_is_no_bundle_is_not_replaced(run_cli: RunCli, here: Path) -> None:
    (here / "cheapnet-s.edgekit").mkdir()
    (here / "cheapnet-s.edgekit" / "photo.jpg").write_bytes(b"dear")
    run_cli("export", "--model", "cheapnet-s", "--untrained", "--size", "64x64", "--quiet").refused(2)
    assert (here / "cheapnet-s.edgekit" / "photo.jpg").read_bytes() == b"dear"
