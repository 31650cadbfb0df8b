"""The comparison of precisions of a network with exits, on tiny bundles and images."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from edgekit_benchmarks.loop_times import LoopTimes
from tests.edgekit.image_folders import save
from tests.export.steps import export_steps, make_noise

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "exit-precision.py"


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("exit_precision_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_stage_is_compared_and_all_of_them_together(script) -> None:
    exact = [LoopTimes(9.0, {"exit1": 4.0, "exit2": 4.0}, 0.5, 0.5)] * 3
    lowered = [LoopTimes(7.0, {"exit1": 2.0, "exit2": 4.0}, 0.5, 0.5)] * 3
    ratios = script.compare_times(exact, lowered)
    assert {name: round(ratio.median, 3) for name, ratio in ratios.items()} == {
        "exit1": 2.0,
        "exit2": 1.0,
        "all": 1.333,
    }


@pytest.mark.slow
def test_it_counts_flips_and_times_every_stage(script, tmp_path, monkeypatch, capsys) -> None:
    exact = export_steps(tmp_path / "fp32.edgekit")
    lowered = export_steps(tmp_path / "fp16.edgekit", precision="fp16")
    for number, image in enumerate(make_noise(6)):
        folder = tmp_path / "data" / ("normal", "hole", "stain")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        save(folder / f"{number}.png", image)
    words = ["--data", "data", "--rows", "2", "--rounds", "2", "--images", "4", "--write", "found.json"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["exit-precision.py", str(exact.path), str(lowered.path), *words])
    script.main()
    document = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    flips = document["flips"]["fp16.edgekit"]
    assert flips["images"] == 4
    assert 0 < flips["largest_difference"] < 0.01
    assert list(document["ratios"]["fp16.edgekit"]) == ["step1", "step2", "step3", "step4", "all"]
    assert np.shape(document["times"]["fp32.edgekit"]) == (2,)
    printed = capsys.readouterr().out
    assert printed.count("| fp32.edgekit | step") == printed.count("| fp16.edgekit | step") == 4
