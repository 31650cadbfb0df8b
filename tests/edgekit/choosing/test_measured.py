"""Measured models: the table that ships, documents of one's own, and what a person asks for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgekit.choosing.measured_table import TABLE_FILE, make_measured, read_measured
from edgekit.choosing.measurements import Measurement, pair_documents
from edgekit.choosing.models_page import draw_recalls, write_models_page
from edgekit.choosing.requirements import parse_requirements
from edgekit.models.table import read_table
from edgekit_runtime.errors import UsageProblem

REPOSITORY = Path(__file__).resolve().parents[3]
RESULTS = REPOSITORY / "benchmarks" / "results"


def read(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


EVALUATED = read("cheapnet-synthetic/eval-cheapnet-m-bundle.json")
TIMED = read("cpu/cheapnet-m-onnxruntime.json")


def find(model: str, data: str, precision: str = "fp32") -> Measurement:
    (found,) = (
        row
        for row in read_measured()
        if (row.model, row.precision) == (model, precision) and row.quality.data.startswith(data)
    )
    return found


def test_the_table_that_ships_says_what_the_documents_say() -> None:
    assert json.loads(TABLE_FILE.read_text(encoding="utf-8")) == make_measured(RESULTS)


def test_figures_are_those_that_were_published() -> None:
    # benchmarks/results/README.md: 0.693 mIoU, 6.2 % escape; 2.55 ms; 75.0 ms; 0.492 and 90.0 %.
    row = find("cheapnet-m", "neu-seg")
    assert (row.quality.runs, row.quality.images) == (3, 144)
    assert row.quality.miou == pytest.approx(0.693, abs=5e-4)
    assert row.quality.escape == pytest.approx(0.0625, abs=5e-4)
    assert row.quality.overkill is None
    assert row.speed.ms == pytest.approx(2.55, abs=5e-3)
    assert find("unet-32", "neu-seg").speed.ms == pytest.approx(75.0, abs=0.05)
    assert find("cheapnet-m", "magnetic").quality.overkill == pytest.approx(0.900, abs=5e-4)


def test_every_row_names_a_model_its_sources_and_its_machine() -> None:
    models = {entry["name"] for entry in read_table()["models"]}
    for row in read_measured():
        assert row.model in models
        assert row.quality.sources
        for source in (*row.quality.sources, row.speed.source):
            assert (RESULTS / source).is_file(), source
        assert row.speed.machine
        assert row.quality.command
        assert row.speed.command
        assert not row.own


def test_documents_of_one_bundle_are_paired_by_its_digest() -> None:
    (row,) = pair_documents([("mine.json", EVALUATED), ("bench.json", TIMED)])
    shipped = find("cheapnet-m", "synthetic")
    assert (row.model, row.precision, row.speed.ms) == ("cheapnet-m", "fp32", shipped.speed.ms)
    assert row.quality.recall == shipped.quality.recall
    assert row.quality.sources == ("mine.json",)


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        ([("a.json", EVALUATED)], "how fast"),
        ([("a.json", {**EVALUATED, "digest": "0" * 64}), ("b.json", TIMED)], "how fast"),
        ([("a.json", {"schema": "edgekit.detect/1"})], "neither"),
        ([("a.json", {})], "neither"),
        ([("a.json", {**EVALUATED, "task": "classify"}), ("b.json", TIMED)], "classifies"),
    ],
)
def test_documents_that_make_no_row(documents: list[tuple[str, dict[str, Any]]], words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        pair_documents(documents)


def test_what_is_asked_for_is_compared() -> None:
    row = find("cheapnet-m", "neu-seg")
    for text, gaps in (
        ("recall=0.8,ms=3", []),
        ("recall=80%, ms=3, backend=fused, data=neu-seg, precision=fp32", []),
        ("recall=0.95,ms=2", ["recall 0.818", "ms 2.55"]),
        ("escape=5%", ["escape 0.0625"]),
        ("escape=7%,miou=0.6", []),
        ("overkill=50%", ["overkill not measured"]),
        ("backend=tensorrt", ["backend fused"]),
        ("model=cheapnet-s", ["model cheapnet-m"]),
    ):
        assert parse_requirements(text).find_gaps(row) == gaps, text
    bound = row.speed.ms
    assert parse_requirements("ms=9").find_gaps(replace(row, speed=replace(row.speed, ms=9.0))) == []
    assert bound < 9


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("speed=2", "no figure of a model"),
        ("recal=0.9", "Did you mean recall"),
        ("recall", "asks for nothing"),
        ("recall=", "asks for nothing"),
        ("ms=1,ms=2", "asks twice"),
        ("recall=95", "no bound"),
        ("recall=nan", "no bound"),
        ("ms=5%", "no bound"),
        ("ms=-1", "no bound"),
        ("", "no figure"),
    ],
)
def test_requirements_that_mean_nothing(text: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        parse_requirements(text)


def test_the_page_shows_every_measured_model(tmp_path: Path) -> None:
    rows = read_measured()
    mine = replace(rows[0], model="<mine>", own=True)
    write_models_page(tmp_path / "models.html", [*rows, mine])
    page = (tmp_path / "models.html").read_text(encoding="utf-8")
    with_recall = sum(row.quality.recall is not None for row in rows)
    assert page.count("<title>") == 1 + with_recall + 1
    assert page.count('class="hollow"') == 1
    assert "&lt;mine&gt; (yours)" in page
    assert "<mine>" not in page
    for row in rows:
        assert row.speed.source in page


def test_a_chart_without_a_recall_says_so() -> None:
    assert "No recall" in draw_recalls([], [])
