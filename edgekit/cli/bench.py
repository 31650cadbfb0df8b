"""`edgekit bench`."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.options import (
    any_path,
    backend_option,
    device_option,
    json_option,
    print_json,
    quiet_option,
    threads_option,
)
from edgekit.cli.provenance import announce, mark
from edgekit.reporting import Reporter
from edgekit.shipped import DEMO_BUNDLE
from edgekit_benchmarks import BenchRun, bench_bundle
from edgekit_jetson import require_jetson
from edgekit_runtime.errors import ArtefactRefused, EdgekitError
from edgekit_runtime.platforms import describe_platform


@click.command()
@click.argument("target", required=False, type=any_path)
@device_option
@backend_option
@threads_option
@click.option("--samples", type=click.IntRange(10), default=200, show_default=True, help="Timed calls.")
@json_option
@quiet_option
def bench(
    *,
    target: Path | None,
    device: str,
    backend: str,
    threads: int | None,
    samples: int,
    as_json: bool,
    reporter: Reporter,
) -> None:
    """Measure latency, frame in to regions out, of the bundle TARGET.

    Without TARGET: of every bundle in the current folder, else of the demo bundle that ships with edgekit.
    """
    if device == "jetson":
        require_jetson()
    runs: list[BenchRun] = []
    refused: list[EdgekitError] = []
    for path in [target] if target else _find_bundles(Path()):
        reporter.note(f"measuring {path}")
        try:
            run = bench_bundle(path, device=device, backend=backend, threads=threads, samples=samples)
        except ArtefactRefused as error:  # the other bundles are still measured
            refused.append(error)
            continue
        announce(run.provenance, reporter)
        runs.append(run)
        if not as_json:
            click.echo(_describe(run))
    if as_json and runs:
        document = {"schema": "edgekit.bench/1", "runs": [run.to_dict() for run in runs]}
        print_json({**document, "environment": {**describe_platform(), "threads": threads}})
    if refused:
        raise refused[0]


def _find_bundles(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.edgekit") if path.is_dir()) or [DEMO_BUNDLE]


def _describe(run: BenchRun) -> str:
    latency = run.latency_ms
    return (
        f"{Path(run.bundle).name}  {run.backend} {run.precision}  p50 {latency.p50:.2f} ms  p90 {latency.p90:.2f} ms  "
        f"({latency.samples} calls after {latency.warmup} of warm-up){mark(run.provenance)}"
    )
