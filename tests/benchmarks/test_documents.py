"""Documents: written, read back, and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit_benchmarks.documents import Run, read_document, render_document
from edgekit_benchmarks.scaling import CostPoint, fit_costs
from edgekit_runtime.errors import UnusableInput, UsageProblem
from tests.benchmarks.building import make_document, make_peer, make_subject


def test_a_document_survives_being_written(tmp_path: Path) -> None:
    runs = (
        Run(make_subject(name="ü [1,\n 2]"), (make_peer(), make_peer("torch", ok=False))),
        Run(make_subject(), ()),
    )
    points = [CostPoint("p", "net", 1, size, 2, size / 1e5) for size in (100, 200, 400)]
    document = make_document(*runs)
    document = type(document)(document.schema, document.runs, fit_costs(points), document.environment)
    path = tmp_path / "bench.json"
    path.write_text(render_document(document), encoding="ascii")
    assert read_document(path) == document


def test_samples_of_a_block_stand_on_one_line() -> None:
    text = render_document(make_document())
    assert max(text.count("\n"), 1) < 600
    first = json.loads(text)["runs"][0]["subject"]["latency_ms"]["rounds_ms"][0]
    assert f"[{', '.join(map(str, first))}]" in text


def test_keys_that_others_rely_on() -> None:
    data = json.loads(
        render_document(make_document(Run(make_subject(), (make_peer(), make_peer("torch", ok=False)))))
    )
    assert data["schema"] == "edgekit.bench/1"
    run = data["runs"][0]
    assert {"bundle", "backend", "precision", "latency_ms"} <= set(run["subject"])
    assert {"p50", "p90", "p99"} <= set(run["subject"]["latency_ms"])
    assert run["subject"]["latency_ms"]["p99"] is None
    assert {"name", "latency_ms", "ratio"} <= set(run["against"][0])
    assert set(run["against"][0]["ratio"]) == {"median", "low", "high", "rounds"}
    assert run["against"][1]["ratio"] is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data | {"schema": "edgekit.bench/2"}, "edgekit.bench/2"),
        (lambda data: data | {"extra": 1}, "extra"),
        (lambda data: {key: value for key, value in data.items() if key != "runs"}, "runs"),
        (lambda data: data | {"runs": [{"subject": {}, "against": []}]}, "lacks the key"),
        (lambda data: [data], "schema None"),
    ],
)
def test_other_documents_are_refused(tmp_path: Path, change, words: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(change(json.loads(render_document(make_document())))))
    with pytest.raises(UnusableInput, match=words):
        read_document(path)


@pytest.mark.parametrize("text", ["", "{", '{"schema": NaN}', "\ud800".encode("utf-8", "surrogatepass")])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UnusableInput, match="no document"):
        read_document(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"nowhere\.json"):
        read_document(tmp_path / "nowhere.json")
    with pytest.raises(UsageProblem):
        read_document(tmp_path)
