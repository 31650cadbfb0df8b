"""What is published: every ratio on the page stands in a document beside it, to the digits that are shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
PAGE = (RESULTS / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted((RESULTS / "cpu").glob("*.json"))


def list_ratios(document: dict[str, Any]) -> list[dict[str, float]]:
    runs = document.get("runs", [])
    found = [peer["ratio"] for run in runs for peer in run["against"]]
    return [*found, *([document["ratio"]] if "ratio" in document else [])]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_ratios_are_those_of_the_documents(path: Path) -> None:
    for ratio in list_ratios(json.loads(path.read_text(encoding="utf-8"))):
        shown = f"{ratio['median']:.1f}"
        interval = f"({ratio['low']:.1f} to {ratio['high']:.1f})"
        assert f"{shown} {interval}" in PAGE.replace("**", ""), f"{shown} {interval}"


def test_there_are_documents() -> None:
    assert sum(len(list_ratios(json.loads(path.read_text(encoding="utf-8")))) for path in DOCUMENTS) >= 10
