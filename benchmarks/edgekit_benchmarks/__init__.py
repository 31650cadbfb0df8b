"""Measuring bundles: method, statistics and documents. Never imported by what it measures."""

from edgekit_benchmarks.latency import LatencyReport, measure_latency
from edgekit_benchmarks.subjects import BenchRun, bench_bundle

__all__ = ["BenchRun", "LatencyReport", "bench_bundle", "measure_latency"]
