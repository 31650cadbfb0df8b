"""Gates: what is asked, what holds, and what cannot be known."""

from __future__ import annotations

import pytest

from edgekit_benchmarks.documents import Run
from edgekit_benchmarks.gates import Gates, parse_gates, require_gates
from edgekit_runtime.errors import GateFailed, UsageProblem
from tests.benchmarks.building import make_document, make_latency, make_peer, make_subject


def test_gates_are_read_as_they_are_typed() -> None:
    peers = ("onnxruntime", "openvino")
    assert parse_gates(None, (), ()) == Gates()
    assert parse_gates(2.0, ("5", "openvino=6"), peers).min_ratios == {"onnxruntime": 5, "openvino": 6}
    assert parse_gates(None, ("openvino+passes=1.5",), peers).min_ratios == {"openvino+passes": 1.5}


@pytest.mark.parametrize(
    ("p99", "ratios", "peers", "words"),
    [
        (0.0, (), (), "above 0 ms"),
        (float("nan"), (), (), "above 0 ms"),
        (None, ("5",), (), "peer that is measured"),
        (None, ("openvina=5",), ("openvino",), "openvino"),
        (None, ("openvino=fast",), ("openvino",), "PEER=R"),
        (None, ("openvino=",), ("openvino",), "PEER=R"),
        (None, ("0",), ("openvino",), "above 0"),
        (None, ("inf",), ("openvino",), "above 0"),
    ],
)
def test_gates_that_ask_for_nothing_are_refused(
    p99: float | None, ratios: tuple[str, ...], peers: tuple[str, ...], words: str
) -> None:
    with pytest.raises(UsageProblem) as raised:
        parse_gates(p99, ratios, peers)
    assert words in raised.value.message


def document_with(**changes: object):  # type: ignore[no-untyped-def]
    return make_document(
        Run(make_subject(**changes), (make_peer(typical_ms=6), make_peer("torch", ok=False)))
    )


def test_gates_that_hold() -> None:
    document = document_with(latency_ms=make_latency(rounds=200))
    require_gates(Gates(), document)
    require_gates(Gates(1.2, {"openvino": 5.0}), document)


@pytest.mark.parametrize(
    ("gates", "words"),
    [
        (Gates(1.0), "at most 1 ms"),
        (Gates(min_ratios={"openvino": 7.0}), "at least 7"),
        (Gates(min_ratios={"torch": 0.1}), "torch has no ratio"),
        (Gates(min_ratios={"onnxruntime": 0.1}), "was not measured"),
    ],
)
def test_gates_that_do_not_hold(gates: Gates, words: str) -> None:
    with pytest.raises(GateFailed, match=words):
        require_gates(gates, document_with(latency_ms=make_latency(rounds=200)))


def test_a_p99_that_is_not_known_does_not_pass() -> None:
    with pytest.raises(GateFailed, match="80 of 662"):
        require_gates(Gates(1e6), document_with())
