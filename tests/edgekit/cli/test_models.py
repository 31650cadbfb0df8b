"""`edgekit models`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.models.table import read_table
from edgekit.shipped import list_shipped_checkpoints
from tests.edgekit.conftest import RunCli

RESULTS = Path(__file__).resolve().parents[3] / "benchmarks" / "results"


def test_the_document_is_the_table_that_ships(run_cli: RunCli) -> None:
    result = run_cli("models", "--json")
    assert result.code == 0
    assert json.loads(result.out) == read_table()
    assert result.err == ""


def test_people_see_every_model_with_its_figures(run_cli: RunCli) -> None:
    lines = run_cli("models").out.splitlines()
    row = next(line for line in lines if line.startswith("cheapnet-s "))
    for figure in ("277", "10,448,896", "26,421,248", "1×512×512", "yes"):
        assert figure in row.split()
    named = [entry["name"] for entry in read_table()["models"]]
    rows = {line.split()[0]: line for line in lines[1 : 1 + len(named)]}
    assert list(rows) == named
    shipped = {name for name, line in rows.items() if line.endswith("yes")}
    assert shipped == set(list_shipped_checkpoints())
    assert "cheapnet-g<N>" in lines[-1]


def test_people_see_what_leaving_at_each_exit_costs(run_cli: RunCli) -> None:
    lines = run_cli("models").out.splitlines()
    start = next(place for place, line in enumerate(lines) if "early exits" in line) + 1
    rows = {name: figures for name, *figures in map(str.split, lines[start : lines.index("", start)])}
    assert list(rows) == [entry["name"] for entry in read_table()["models"] if entry["exits"]]
    assert rows["dinet"] == ["4,911,530,624", "12,427,724,672", "22,225,621,376", "28,600,968,576"]


def test_measured_models_that_reach_what_is_asked_stand_first(run_cli: RunCli) -> None:
    result = run_cli("models", "--for", "recall=0.8,ms=3,data=neu-seg")
    assert result.code == 0
    first, *others = result.out.splitlines()[1:11]
    assert first.startswith("cheapnet-m ")
    assert first.endswith("reaches it")
    assert all(" no: " in line for line in others)
    assert "compare.py DATA/neu-seg --model cheapnet-m" in result.out
    assert "AMD EPYC, 2 cores, 2026-11-21" in result.out
    assert "edgekit eval NAME.edgekit" in result.out
    nothing = run_cli("models", "--for", "recall=1,ms=0.01")
    assert (nothing.code, "No measured model reaches all of this." in nothing.out) == (0, True)


def test_the_measured_document(run_cli: RunCli) -> None:
    document = json.loads(run_cli("models", "--for", "ms=1", "--json").out)
    assert document["schema"] == "edgekit.measured/1"
    assert {row["model"] for row in document["rows"] if row["reaches"]} == {"cheapnet-s"}
    assert all(row["gaps"] for row in document["rows"] if not row["reaches"])
    run_cli("models", "--for", "speed=1").refused(2, "no figure")


def test_own_figures_stand_beside_the_shipped_ones(run_cli: RunCli, tmp_path: Path) -> None:
    added = (
        *("--add", RESULTS / "cheapnet-synthetic" / "eval-cheapnet-s-bundle.json"),
        *("--add", RESULTS / "cpu" / "cheapnet-s-onnxruntime.json"),
    )
    page = tmp_path / "models.html"
    result = run_cli("models", *added, "--page", page)
    assert (result.code, result.out) == (0, "")
    assert "wrote" in result.err
    assert "cheapnet-s (yours)" in page.read_text(encoding="utf-8")
    assert "cheapnet-s (yours)" in run_cli("models", *added).out
    run_cli("models", "--add", tmp_path / "none.json").refused(2, "none.json", "edgekit eval --json")
    run_cli("models", "--page", tmp_path / "no" / "page.html").refused(2, "no folder")
    page.write_text("[1]")
    run_cli("models", "--add", page).refused(2, "neither")
    page.write_text("[" * 100_000)
    run_cli("models", "--add", page).refused(2, "cannot be read as a JSON document")


@pytest.mark.parametrize(
    "change",
    [
        lambda evaluated, _timed: evaluated.pop("digest"),
        lambda evaluated, _timed: evaluated.update(metrics=None),
        lambda evaluated, _timed: evaluated["metrics"]["defect_level"].update(recall="all"),
        lambda _evaluated, timed: timed.pop("runs"),
        lambda _evaluated, timed: timed.update(environment=[]),
        lambda _evaluated, timed: timed["runs"][0]["subject"]["latency_ms"].update(p50="fast"),
    ],
)
def test_documents_that_lack_a_figure_are_named(
    run_cli: RunCli, tmp_path: Path, change: Callable[[Any, Any], Any]
) -> None:
    files = "cheapnet-synthetic/eval-cheapnet-s-bundle.json", "cpu/cheapnet-s-onnxruntime.json"
    evaluated, timed = (json.loads((RESULTS / file).read_text()) for file in files)
    change(evaluated, timed)
    for name, document in (("eval.json", evaluated), ("bench.json", timed)):
        (tmp_path / name).write_text(json.dumps(document))
    added = ("--add", tmp_path / "eval.json", "--add", tmp_path / "bench.json")
    run_cli("models", *added).refused(2, "eval.json, bench.json: a figure is missing", "--json")
