"""Measuring a bundle, with the runtime's own test double."""

from __future__ import annotations

from pathlib import Path

from edgekit_benchmarks import bench_bundle
from edgekit_runtime.testing import FakeBackend, fake_bundle


def test_a_run_says_what_was_measured(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit")
    run = bench_bundle(bundle.path, backend=FakeBackend, warmup=1, samples=10)
    document = run.to_dict()
    subject = document["subject"]
    assert document["against"] == []
    assert subject["digest"] == bundle.digest
    assert (subject["backend"], subject["precision"]) == ("fake", "fp32")
    assert subject["latency_ms"]["samples"] == 10
    assert 0 < subject["latency_ms"]["p50"] <= subject["latency_ms"]["p90"]
