"""`edgekit build`."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit_runtime import jit
from tests.edgekit.conftest import RunCli
from tests.runtime.backends.fused.bundles import program_bundle
from tests.runtime.onnx_graphs import segment_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return program_bundle(tmp_path / "grey.edgekit", 16, 32).path


def test_it_says_what_is_ready(run_cli: RunCli, bundle: Path) -> None:
    result = run_cli("build", bundle, "--backend", "fused")
    assert result.code == 0
    assert "is ready for the backend fused" in result.out


def test_a_backend_that_needs_nothing_is_ready(run_cli: RunCli, tmp_path: Path) -> None:
    result = run_cli("build", segment_bundle(tmp_path / "plain.edgekit").path)
    assert result.code == 0
    assert "onnxruntime" in result.out


def test_kernels_that_cannot_be_kept_are_an_error(
    run_cli: RunCli, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jit, "find_cache", lambda: jit.StateFolder(None, "the disk is read-only"))
    result = run_cli("build", bundle)
    assert result.code == 7
    assert "the disk is read-only" in result.err
    assert "EDGEKIT_STATE" in result.err


def test_a_bundle_without_a_program_is_named(run_cli: RunCli, tmp_path: Path) -> None:
    result = run_cli("build", segment_bundle(tmp_path / "plain.edgekit").path, "--backend", "fused")
    assert result.code == 5
    assert "carries no program" in result.err


def test_no_bundle(run_cli: RunCli, tmp_path: Path) -> None:
    assert run_cli("build", tmp_path / "none.edgekit").code == 2
