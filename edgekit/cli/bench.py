"""`edgekit bench`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from edgekit.benching import BenchRequest, bench_bundles, parse_peers, require_writable, write_text
from edgekit.cli.bench_text import describe_run, describe_scaling
from edgekit.cli.options import (
    LARGEST_BATCH,
    any_path,
    backend_option,
    device_option,
    json_option,
    quiet_option,
    threads_option,
)
from edgekit.cli.provenance import announce
from edgekit.reporting import Reporter
from edgekit.shipped import DEMO_BUNDLE
from edgekit_benchmarks import PROFILES, Run, find_profile, parse_gates, render_document, require_gates
from edgekit_jetson import require_jetson
from edgekit_runtime.errors import UsageProblem


@click.command()
@click.argument("targets", nargs=-1, type=any_path, metavar="[TARGET]...")
@device_option
@backend_option
@threads_option
@click.option(
    "--against",
    default="",
    metavar="PEER,…",
    help="onnxruntime, openvino, torch: what else runs the same network.",
)
@click.option(
    "--batch",
    "batches",
    type=click.IntRange(1, LARGEST_BATCH),
    multiple=True,
    default=(1,),
    show_default=True,
    help="Frames per call; may be given several times.",
)
@click.option(
    "--profile", default="quick", show_default=True, metavar="|".join(PROFILES), help="How much effort."
)
@click.option("--rate", type=float, metavar="HZ", help="Also run at a line's pace: so many calls per second.")
@click.option(
    "--checkpoint",
    type=any_path,
    help="Weights that the bundle was exported from, for the peers.  [default: those that ship]",
)
@click.option("--report", type=any_path, metavar="FILE.html", help="One self-contained page with plots.")
@click.option(
    "--max-p99-ms", type=float, metavar="X", help="Exit with code 3 if p99 is larger, or not known."
)
@click.option(
    "--min-ratio",
    "min_ratios",
    multiple=True,
    metavar="[PEER=]R",
    help="Exit with code 3 unless the median ratio is at least R.",
)
@json_option
@quiet_option
def bench(
    *,
    targets: tuple[Path, ...],
    device: str,
    backend: str,
    threads: int | None,
    against: str,
    batches: tuple[int, ...],
    profile: str,
    rate: float | None,
    checkpoint: Path | None,
    report: Path | None,
    max_p99_ms: float | None,
    min_ratios: tuple[str, ...],
    as_json: bool,
    reporter: Reporter,
) -> None:
    """Measure latency, frame in to regions out, of bundles.

    Without TARGET: of every bundle in the current folder, else of the demo bundle that ships with edgekit.
    """
    if device == "jetson":
        require_jetson()
    peers = parse_peers(against)
    gates = parse_gates(max_p99_ms, min_ratios, peers)
    if checkpoint is not None and not peers:
        raise UsageProblem(
            "--checkpoint names the weights of peers, and no peer is asked for.",
            remedy="Add --against onnxruntime, or leave --checkpoint out.",
        )
    if report is not None:
        require_writable(report)
    request = BenchRequest(
        targets=targets or tuple(_find_bundles(Path())),
        profile=find_profile(profile),
        device=device,
        backend=backend,
        peers=peers,
        batches=tuple(dict.fromkeys(batches)),
        threads=threads,
        rate_hz=rate,
        checkpoint=checkpoint,
        command=shlex.join(["edgekit", *sys.argv[1:]]),
    )

    def show(run: Run) -> None:
        announce(run.subject.provenance, reporter)
        if not as_json:
            click.echo(describe_run(run))

    document, refused = bench_bundles(request, reporter=reporter, finished=show)
    if document.runs:
        if as_json:
            click.echo(render_document(document))
        elif document.scaling:
            click.echo(describe_scaling(document.scaling))
        if report is not None:
            from edgekit_benchmarks.report import render_report

            write_text(report, render_report(document))
            reporter.note(f"wrote {report}")
    if refused:
        raise refused[0]
    require_gates(gates, document)


def _find_bundles(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.edgekit") if path.is_dir()) or [DEMO_BUNDLE]
