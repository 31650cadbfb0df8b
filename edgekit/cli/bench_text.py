"""A benchmark in words, one line per figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.cli.provenance import mark
from edgekit_benchmarks.documents import Against, MeasuredSubject, Run
from edgekit_benchmarks.pacing import Paced
from edgekit_benchmarks.percentiles import SHARES, Latency, count_needed
from edgekit_benchmarks.phases import Phases
from edgekit_benchmarks.scaling import CostFit, describe_fit


def describe_run(run: Run) -> str:
    """Return a run as lines."""
    subject = run.subject
    lines = [_describe_subject(subject), f"  where it goes  {_describe_phases(subject.phases)}"]
    if subject.cold_start is not None:
        cold = subject.cold_start
        peak = "" if cold.peak_bytes is None else f"  peak memory {cold.peak_bytes / 2**20:.0f} MiB"
        lines.append(
            f"  cold start     first result after {cold.until_first_ms:.0f} ms (import {cold.import_ms:.0f}, "
            f"open {cold.open_ms:.0f}, first call {cold.first_ms:.1f}){peak}"
        )
    if subject.paced is not None:
        lines.append(f"  at a pace      {describe_paced(subject.paced)}")
    lines += [_describe_peer(row) for row in run.against]
    return "\n".join(lines)


def describe_latency(latency: Latency) -> str:
    """Return the percentiles; one that the samples cannot carry says so."""
    parts = [f"p50 {latency.p50:.3f} ms"]
    for name, share in SHARES.items():
        value = getattr(latency, name)
        if value is not None:
            parts.append(f"{name.replace('_', '.')} {value:.3f} ms")
        else:
            parts.append(
                f"{name.replace('_', '.')} not enough samples ({latency.samples} of {count_needed(share)})"
            )
            break
    return "  ".join(parts)


def describe_paced(paced: Paced) -> str:
    """Return a paced run."""
    return (
        f"{paced.rate_hz:g} Hz: from due {describe_latency(paced.from_due_ms)}  "
        f"{paced.missed} of {paced.due} deadlines missed  jitter {paced.jitter_ms:.3f} ms  "
        f"achieved {paced.achieved_hz:.1f} Hz"
    )


def describe_scaling(fits: Sequence[CostFit]) -> str:
    """Return what size costs."""
    return "\n".join(
        f"{fit.family}: {describe_fit(fit)}  "
        f"({len(fit.points)} points, largest error {fit.largest_error:.0%})"
        for fit in fits
    )


def _describe_subject(subject: MeasuredSubject) -> str:
    latency = subject.latency_ms
    batch = f" batch {subject.batch}" if subject.batch > 1 else ""
    settled = "" if subject.warm_up.stable else ", which did not settle"
    return (
        f"{Path(subject.bundle).name}  {subject.backend} {subject.precision}{batch}  {describe_latency(latency)}  "
        f"({latency.samples} calls after {subject.warm_up.calls} of warm-up{settled}){mark(subject.provenance)}"
    )


def _describe_phases(phases: Phases) -> str:
    parts = {
        "pre": phases.pre_ms,
        "stages": phases.stages_ms,
        "regions": phases.regions_ms,
        "result": phases.result_ms,
    }
    inside = "  ".join(f"{name} {value:.3f}" for name, value in parts.items() if value is not None)
    decode = "" if phases.decode_ms is None else f"  and before it, to decode a PNG: {phases.decode_ms:.3f}"
    return f"{inside} ms{decode}"


def _describe_peer(row: Against) -> str:
    if row.latency_ms is None or row.ratio is None:
        return f"  {row.name}: no figure, for its answers are others: {row.agreement.detail}"
    return (
        f"  {row.ratio.median:.2f} × as fast as {row.name} (95 %: {row.ratio.low:.2f} to {row.ratio.high:.2f})  "
        f"{describe_latency(row.latency_ms)}  {row.agreement.differing_px} px differ"
    )
