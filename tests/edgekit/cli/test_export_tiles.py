"""`edgekit export --fit tile`, and every command that takes what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit_runtime import Bundle
from tests.edgekit.conftest import RunCli, make_checkpoint
from tests.edgekit.image_folders import load, write_image_folder


@pytest.mark.slow
def test_a_bundle_that_cuts_is_used_on_images_of_any_size(run_cli: RunCli, tmp_path: Path) -> None:
    data = write_image_folder(tmp_path / "plates", count=4, size=(150, 203))
    path = tmp_path / "tiles.edgekit"
    words = ("--model", "cheapnet-s", "--checkpoint", make_checkpoint(tmp_path / "best"), "--size", "128x144")
    result = run_cli("export", *words, "--fit", "tile", "--data", data, "--out", path)
    assert result.code == 0, result.err
    assert "cuts them into tiles of 128x144" in result.err
    assert "tiles share 64 px; a pixel of the mask looks at most 31 px far" in result.err

    result = run_cli("verify", path)
    assert result.code == 0, result.err
    assert "any size, cut into tiles of 128×144 pixels (height × width) that share 64" in result.out

    masks = tmp_path / "masks"
    result = run_cli("detect", path, data / "images", "--masks", masks, "--json")
    assert result.code == 0, result.err
    assert len(json.loads(result.out)["results"]) == 4
    assert {load(mask).shape for mask in masks.iterdir()} == {(150, 203)}

    result = run_cli("eval", path, "--data", data, "--split", "all", "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["metrics"]["images"] == 4

    result = run_cli("bench", path, "--backend", "fused", "--json")
    assert result.code == 0, result.err


@pytest.mark.slow
def test_an_overlap_that_is_named_is_written(run_cli: RunCli, tmp_path: Path) -> None:
    path = tmp_path / "tiles.edgekit"
    words = ("--model", "cheapnet-g3", "--untrained", "--size", "64x64", "--fit", "tile", "--overlap", 32)
    result = run_cli("export", *words, "--out", path)
    assert result.code == 0, result.err
    assert Bundle.open(path).manifest.input.overlap == 32


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message", "remedy"),
    [
        (("--fit", "tile", "--size", "64x64"), "must share 64", "--size 128x128"),
        (("--fit", "tile", "--size", "64x64", "--overlap", 30), "multiples of 16", "overlap of 32"),
        (("--fit", "tile", "--size", "64x64", "--overlap", 100), "0 to 32 pixels", "larger tiles"),
        (("--overlap", 32), "Only tiles overlap", "--fit tile"),
    ],
)
def test_tiles_that_cannot_be_are_refused_with_what_can(
    run_cli: RunCli, tmp_path: Path, words: tuple[object, ...], message: str, remedy: str
) -> None:
    path = tmp_path / "tiles.edgekit"
    run_cli("export", "--model", "cheapnet-g3", "--untrained", *words, "--out", path).refused(
        2, message, remedy
    )
    assert not path.exists()
