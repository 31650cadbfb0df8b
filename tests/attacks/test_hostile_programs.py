"""Weights that do not fit their program are refused before anything runs: by verify, and by who would take them."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from edgekit_runtime.backends import BackendOptions, open_backend, parse_device
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import ArtefactRefused
from edgekit_runtime.testing import FakeBackend
from edgekit_runtime.verification import verify_bundle
from tests.attacks.hostile_programs import HOSTILE_WEIGHTS, add_program
from tests.attacks.test_hostile_bundles import snapshot
from tests.runtime.bundle.small_programs import WEIGHTS_FILE


@pytest.fixture(params=HOSTILE_WEIGHTS)
def hostile(request: pytest.FixtureRequest, segment_bundle: Bundle) -> tuple[Path, str]:
    """A bundle that opens, because its hashes fit, and what the refusal must say."""
    raw, culprit = HOSTILE_WEIGHTS[request.param]
    add_program(segment_bundle.path, raw)
    return segment_bundle.path, culprit


def test_the_program_that_is_attacked_is_good(segment_bundle: Bundle) -> None:
    add_program(segment_bundle.path)
    checks = verify_bundle(segment_bundle.path, backend=FakeBackend).checks
    (row,) = [check for check in checks if check.name == "program main"]
    assert row.ok, row.detail


def test_verify_refuses_the_weights_and_runs_nothing(
    hostile: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, culprit = hostile
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(FakeBackend, "_open_impl", pytest.fail)
    before = snapshot(tmp_path)
    tracemalloc.start()
    try:
        report = verify_bundle(path, backend=FakeBackend)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert report.error is not None
    assert report.error.exit_code == 4
    assert not report.checks[-1].ok
    assert WEIGHTS_FILE in report.error.message
    assert culprit in report.error.message
    assert report.error.message.isprintable()
    assert snapshot(tmp_path) == before


def test_the_fused_backend_refuses_the_weights(hostile: tuple[Path, str]) -> None:
    pytest.importorskip("numba", reason="the fused backend needs numba")
    path, _ = hostile
    with pytest.raises(ArtefactRefused, match=WEIGHTS_FILE) as caught:
        open_backend("fused", Bundle.open(path), BackendOptions(parse_device("cpu")))
    assert caught.value.exit_code == 4
