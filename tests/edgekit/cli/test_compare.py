"""`edgekit compare`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit_benchmarks import render_document
from edgekit_benchmarks.documents import Run
from tests.benchmarks.building import make_document, make_latency, make_subject
from tests.edgekit.conftest import RunCli


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A document, a slower one, and one of another machine."""
    slower = Run(make_subject(latency_ms=make_latency(typical_ms=1.5, seed=7)), ())
    documents = (make_document(), make_document(slower), make_document(cpu="Cortex-A78AE"))
    paths = tuple(tmp_path / f"{name}.json" for name in "abc")
    for path, document in zip(paths, documents, strict=True):
        path.write_text(render_document(document))
    return paths  # type: ignore[return-value]


def test_a_slower_build_is_told(run_cli: RunCli, files: tuple[Path, Path, Path]) -> None:
    result = run_cli("compare", files[0], files[1])
    assert result.code == 0
    assert result.out.startswith("line  fused  p50 ")
    assert result.out.rstrip().endswith("slower")
    assert "faster" in run_cli("compare", files[1], files[0]).out
    assert "no difference shown" in run_cli("compare", files[0], files[0]).out


def test_json(run_cli: RunCli, files: tuple[Path, Path, Path]) -> None:
    document = json.loads(run_cli("compare", *files[:2], "--json").out)
    assert document["schema"] == "edgekit.compare/1"
    (change,) = document["changes"]
    assert change["ratio"]["low"] <= change["ratio"]["median"] <= change["ratio"]["high"] < 1


def test_another_machine_is_refused_by_name(run_cli: RunCli, files: tuple[Path, Path, Path]) -> None:
    run_cli("compare", files[0], files[2]).refused(5, "Cortex-A78AE")


def test_what_is_no_document_is_refused(run_cli: RunCli, files: tuple[Path, Path, Path]) -> None:
    files[1].write_text("{}")
    run_cli("compare", *files[:2]).refused(8, "b.json")
    run_cli("compare", files[0], "nowhere.json").refused(2, "nowhere.json")
