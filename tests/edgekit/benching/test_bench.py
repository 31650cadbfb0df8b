"""One benchmark of several bundles."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.benching import BenchRequest, bench_bundles
from edgekit.reporting import Reporter
from edgekit_benchmarks import Run, find_profile
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle

QUICK = find_profile("quick")


def test_every_bundle_is_measured_with_every_batch(tmp_path: Path, quiet: Reporter) -> None:
    paths = tuple(fake_bundle(tmp_path / f"{name}.edgekit").path for name in "ab")
    done: list[Run] = []
    request = BenchRequest(paths, QUICK, backend=FakeBackend, batches=(1, 2), threads=1, command="a command")
    document, refused = bench_bundles(request, reporter=quiet, finished=done.append)
    assert refused == ()
    assert tuple(done) == document.runs
    assert [(Path(run.subject.bundle).name, run.subject.batch) for run in document.runs] == [
        ("a.edgekit", 1),
        ("a.edgekit", 2),
        ("b.edgekit", 1),
        ("b.edgekit", 2),
    ]
    assert all(run.subject.cold_start is None for run in document.runs)  # a fresh process knows no factory
    assert document.environment.command == "a command"
    assert document.environment.taken.endswith("+00:00")


def test_sizes_of_one_family_are_fitted(tmp_path: Path, quiet: Reporter) -> None:
    paths = tuple(
        fake_bundle(tmp_path / f"{size}.edgekit", height=size, width=size).path for size in (16, 32, 64)
    )
    document, _ = bench_bundles(BenchRequest(paths, QUICK, backend=FakeBackend), reporter=quiet)
    (fit,) = document.scaling
    assert fit.family == "fake on fake"
    assert [point.pixels for point in fit.points] == [256, 1024, 4096]


def test_a_refused_bundle_is_told_and_the_others_are_measured(tmp_path: Path, quiet: Reporter) -> None:
    good, bad = (fake_bundle(tmp_path / f"{name}.edgekit").path for name in ("good", "bad"))
    (bad / "golden/frame.npy").write_bytes(b"")
    request = BenchRequest((bad, good), QUICK, backend=FakeBackend)
    document, (error,) = bench_bundles(request, reporter=quiet)
    assert len(document.runs) == 1
    assert "golden/frame.npy" in error.message


def test_a_rate_that_is_none_is_refused_before_anything_is_opened(tmp_path: Path, quiet: Reporter) -> None:
    with pytest.raises(UsageProblem, match="rate"):
        bench_bundles(BenchRequest((tmp_path / "nowhere.edgekit",), QUICK, rate_hz=0.0), reporter=quiet)
