"""One benchmark: every bundle opened, measured against its peers, and put into one document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edgekit.benching.decoding import open_decoder
from edgekit.benching.peer_names import require_peers
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit_benchmarks.contestants import Contestant, Frames
from edgekit_benchmarks.documents import SCHEMA, BenchDocument, Run
from edgekit_benchmarks.machine import describe_environment, read_load
from edgekit_benchmarks.measuring import Conditions, Progress, Tools, measure_run
from edgekit_benchmarks.pacing import check_rate
from edgekit_benchmarks.profiles import Profile
from edgekit_benchmarks.roofline import Roofline, measure_roofline
from edgekit_benchmarks.scaling import CostPoint, fit_costs
from edgekit_benchmarks.subjects import read_batches
from edgekit_runtime import Detector
from edgekit_runtime.backends import BackendFactory
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import ArtefactRefused
from edgekit_runtime.platforms import count_usable_cores


@dataclass(frozen=True)
class BenchRequest:
    """What is asked for.

    Attributes:
        targets: Paths of bundles.
        profile: How much effort.
        device: As `Detector` takes it.
        backend: As `Detector` takes it.
        peers: Names of `PEERS`.
        batches: Frames per call; every bundle is measured with each.
        threads: Of subject and peers; None gives each every core.
        rate_hz: Of the paced runs; None leaves them out.
        checkpoint: Folder of the bundles' weights, for the peers.
        command: The command line, for the record.
    """

    targets: tuple[Path, ...]
    profile: Profile
    device: str = "auto"
    backend: str | BackendFactory = "auto"
    peers: tuple[str, ...] = ()
    batches: tuple[int, ...] = (1,)
    threads: int | None = None
    rate_hz: float | None = None
    checkpoint: Path | None = None
    command: str = ""


def bench_bundles(
    request: BenchRequest, *, reporter: Reporter, finished: Callable[[Run], None] = lambda _run: None
) -> tuple[BenchDocument, tuple[ArtefactRefused, ...]]:
    """Measure bundles one after the other.

    Args:
        request: What is asked for.
        reporter: Where progress goes.
        finished: Told of every run when it is done.

    Returns:
        The document, and the errors of bundles that were refused: the others are still measured.

    Raises:
        UsageProblem: If something that is asked for does not exist or contradicts a bundle.
        MissingDependency: If a package is missing.
        GateFailed: If a subject does not agree with itself.
    """
    if request.rate_hz is not None:
        check_rate(request.rate_hz)
    require_peers(request.peers)
    load_before = read_load()
    runs: list[Run] = []
    refused: list[ArtefactRefused] = []
    for target in request.targets:
        for batch in request.batches:
            reporter.note(f"measuring {target}" + (f", batches of {batch}" if batch > 1 else ""))
            try:
                run = _bench_bundle(target, batch, request, reporter)
            except ArtefactRefused as error:
                refused.append(error)
                break
            runs.append(run)
            finished(run)
    environment = describe_environment(
        taken=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        command=request.command,
        threads=request.threads or count_usable_cores(),
        profile=request.profile.name,
        rate_hz=request.rate_hz,
        load_before=load_before,
        roofline=_measure_roofline(request, reporter) if runs else None,
    )
    return BenchDocument(SCHEMA, tuple(runs), fit_costs(_list_points(runs)), environment), tuple(refused)


def _bench_bundle(path: Path, batch: int, request: BenchRequest, reporter: Reporter) -> Run:
    conditions = Conditions(
        profile=request.profile,
        device=request.device,
        threads=request.threads or count_usable_cores(),
        rate_hz=request.rate_hz,
        # A factory is an object of this process; a fresh one could not be told of it.
        cold=isinstance(request.backend, str),
    )
    with Detector(
        path, device=request.device, backend=request.backend, threads=request.threads or count_usable_cores()
    ) as detector:
        batches = read_batches(detector.bundle, batch)
        peers = _build_peers(detector.bundle, batches, request, reporter)
        with open_decoder(batches, detector.manifest.input.pixels) as decode:
            tools = Tools(report=reporter.note, progress=_make_progress(reporter), decode=decode)
            return measure_run(detector, batches, peers, conditions, tools)


def _build_peers(
    bundle: Bundle,
    batches: Sequence[Frames],
    request: BenchRequest,
    reporter: Reporter,
) -> tuple[Contestant, ...]:
    if not request.peers:
        return ()
    # They need OpenCV, which a benchmark without peers does not.
    from edgekit.benching.peers import PeerPlan, build_peers

    plan = PeerPlan(
        bundle=bundle,
        batches=batches,
        threads=request.threads or count_usable_cores(),
        tuning_s=request.profile.tuning_s,
        report=reporter.note,
        checkpoint=request.checkpoint,
    )
    return build_peers(request.peers, plan)


def _make_progress(reporter: Reporter) -> Progress:
    return lambda steps: reporter.progress("measuring", steps)


def _measure_roofline(request: BenchRequest, reporter: Reporter) -> Roofline | None:
    if not request.profile.roofline:
        return None
    reporter.note("measuring what the machine can copy and compute")
    return measure_roofline(request.threads or count_usable_cores())


def _list_points(runs: Sequence[Run]) -> list[CostPoint]:
    points = []
    for run in runs:
        subject = run.subject
        width = _find_width(subject.model)
        family = subject.model.rpartition("-")[0] if width else subject.model
        points.append(
            CostPoint(
                label=f"{subject.name}, {subject.height}×{subject.width}"
                + (f", batch {subject.batch}" if subject.batch > 1 else ""),
                family=f"{family} on {subject.backend}",
                tiles=subject.batch,
                pixels=subject.height * subject.width,
                width=width or 1,
                time_ms=subject.phases.pre_ms + subject.phases.stages_ms,
            )
        )
    return points


def _find_width(model: str) -> int | None:
    """Return G of a network that has it."""
    width = MODELS.get(model).arguments.get("width") if model in MODELS else None
    return width if isinstance(width, int) else None
