"""The demonstration: its files, and that what it shows is what was found."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgekit.demo import run_demo
from edgekit.demo.run import DEFECTIVE, MIN_AREA_PX, NORMAL
from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime import Detector
from edgekit_runtime.errors import ArtefactRefused
from tests.edgekit.image_folders import load, mode_of


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    run_demo(folder, note=lambda _line: None)
    return folder


def test_the_results_are_those_of_the_detector(out: Path) -> None:
    document = json.loads((out / "results.json").read_text())
    assert document["schema"] == "edgekit.detect/1"
    assert len(document["results"]) == DEFECTIVE + NORMAL
    with Detector(DEMO_BUNDLE, min_area_px=MIN_AREA_PX) as detector:
        for entry in document["results"]:
            expected = detector(load(out / entry["image"])).to_dict()
            assert entry["regions"] == expected["regions"]
            assert entry["provenance"] == "demo"


def test_the_network_finds_the_defects(out: Path) -> None:
    results = json.loads((out / "results.json").read_text())["results"]
    verdicts = {Path(entry["image"]).stem: entry["verdict"] for entry in results}
    wrong = [n for n, v in verdicts.items() if (v == "reject") != n.startswith("defective")]
    assert wrong == []


def test_everything_that_the_page_names_exists(out: Path) -> None:
    page = (out / "index.html").read_text(encoding="utf-8")
    pictures = re.findall(r'src="([^"]+)"', page)
    assert len(pictures) == 2 * (DEFECTIVE + NORMAL)
    assert all((out / picture).is_file() for picture in pictures)
    assert "Demo weights" in page
    assert mode_of(out / "result.png") == "RGB"
    assert not list(out.rglob("*.tmp"))


def test_overlays_differ_from_the_frames(out: Path) -> None:
    frame, overlay = load(out / "images" / "defective-1.png"), load(out / "defective-1.overlay.png")
    assert (overlay != np.dstack([frame] * 3)).any()


def test_a_damaged_bundle_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    bundle = shutil.copytree(DEMO_BUNDLE, tmp_path / "a.edgekit")
    (bundle / "main.onnx").write_bytes(b"")
    with pytest.raises(ArtefactRefused):
        run_demo(tmp_path / "demo", bundle=bundle, note=lambda _line: None)
    assert not (tmp_path / "demo").exists()
