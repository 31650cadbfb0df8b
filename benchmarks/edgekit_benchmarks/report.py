"""A document as one self-contained HTML page with plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import PurePath

from edgekit_benchmarks.axes import format_number
from edgekit_benchmarks.charts import draw_latencies, draw_ratios, draw_scaling, draw_split
from edgekit_benchmarks.documents import Against, BenchDocument, MeasuredSubject, Run
from edgekit_benchmarks.machine import Environment
from edgekit_benchmarks.pacing import Paced
from edgekit_benchmarks.percentiles import SHARES, Latency, count_needed
from edgekit_benchmarks.phases import Phases
from edgekit_benchmarks.report_page import METHOD, PAGE
from edgekit_benchmarks.report_tables import (
    describe_environment_facts,
    render_facts,
    render_table,
    wrap_facts,
)
from edgekit_benchmarks.roofline import Roofline
from edgekit_benchmarks.scaling import CostFit, describe_fit

HEAVY_LOAD = 0.25
"""Of the cores: with so much other work when the measurement began, its tails are not the subject's own."""


def render_report(document: BenchDocument) -> str:
    """Return the page as HTML; it needs no other file, and every text in it is escaped."""
    environment = document.environment
    names = list(dict.fromkeys(run.subject.name for run in document.runs))
    return PAGE.format(
        title=escape(f"Benchmark of {', '.join(names)}"),
        lead=_render_lead(environment),
        command=escape(environment.command or "measured from Python"),
        runs="\n".join(_render_run(run, environment.roofline) for run in document.runs),
        scaling=_render_scaling(document.scaling),
        environment=render_facts(describe_environment_facts(environment)),
        method=escape(METHOD),
    )


def _render_lead(environment: Environment) -> str:
    threads = "threads as each chooses" if environment.threads is None else f"{environment.threads} threads"
    lead = escape(
        f"{environment.taken} · {environment.cpu}, {environment.cores_usable} cores · {threads} · "
        f"profile {environment.profile}"
    )
    load = environment.load_before
    if load is not None and load > HEAVY_LOAD * environment.cores_usable:
        lead += (
            f'</p><p class="warn">Other work was running when this began (load {load:g} on '
            f"{environment.cores_usable} cores). Take these figures again on a quiet machine: threads that wait for "
            "one another suffer more than others."
        )
    return lead


def _render_run(run: Run, roofline: Roofline | None) -> str:
    subject = run.subject
    measured = {f"{subject.backend} (the subject)": subject.latency_ms}
    measured |= {row.name: row.latency_ms for row in run.against if row.latency_ms is not None}
    ordered = {name: sorted(_flatten(latency)) for name, latency in measured.items()}
    ratios = {row.name: row.ratio for row in run.against if row.ratio is not None}
    size = f"{subject.height}×{subject.width}" + (f", batch {subject.batch}" if subject.batch > 1 else "")
    parts = [
        f"<h2>{escape(subject.name)} <small>{escape(size)}</small></h2>",
        f"<p>{_render_subject_line(subject)}</p>",
        _render_headline(subject),
        f"<h3>Latency of a call, frame in → regions out</h3>{draw_latencies(ordered)}{_render_percentiles(measured)}",
    ]
    if ratios:
        parts.append(f"<h3>How many times faster than its peers</h3>{draw_ratios(ratios)}")
    if run.against:
        parts.append(_render_peers(run.against))
    parts.append(_render_split(subject.phases))
    paced = {f"{subject.backend} (the subject)": subject.paced}
    paced |= {row.name: row.paced for row in run.against}
    known = {name: figures for name, figures in paced.items() if figures is not None}
    if known:
        parts.append(_render_paced(known))
    parts.append(_render_start(subject))
    if roofline is not None:
        parts.append(_render_bounds(subject, roofline))
    return "\n".join(part for part in parts if part)


def _flatten(latency: Latency) -> list[float]:
    return [time for block in latency.rounds_ms for time in block]


def _render_subject_line(subject: MeasuredSubject) -> str:
    weights = {
        "demo": "demo weights, trained on generated images only",
        "untrained": "random weights, for measuring speed only",
    }.get(subject.provenance, f"{subject.provenance} weights")
    settled = "" if subject.warm_up.stable else " The time had not settled when the warm-up ended."
    return (
        f"Backend <b>{escape(subject.backend)}</b>, {escape(subject.precision)}, {escape(weights)}; "
        f"<code>{escape(PurePath(subject.bundle).name)}</code>, hash <code>{escape(subject.digest[:16])}</code>. "
        f"{subject.latency_ms.samples:,} calls on {subject.frames} frames, after {subject.warm_up.calls} of warm-up."
        f'<span class="warn">{settled}</span>'
    )


def _render_headline(subject: MeasuredSubject) -> str:
    latency = subject.latency_ms
    figures = [("median", f"{format_number(latency.p50)} ms")]
    for name in SHARES:
        value = getattr(latency, name)
        if value is not None:
            figures.append((name.replace("_", "."), f"{format_number(value)} ms"))
    figures.append(("frames per second", format_number(1e3 * subject.batch / latency.p50)))
    if subject.cold_start is not None and subject.cold_start.peak_bytes is not None:
        figures.append(("peak memory", f"{subject.cold_start.peak_bytes / 2**20:.0f} MiB"))
    boxes = "".join(
        f"<div><b>{escape(value)}</b> <small>{escape(name)}</small></div>" for name, value in figures
    )
    return f'<div class="headline">{boxes}</div>'


def _render_percentiles(measured: Mapping[str, Latency]) -> str:
    rows = [
        [
            name,
            f"{latency.samples:,}",
            *map(format_number, (latency.least, latency.p50)),
            *_say_percentiles(latency),
            format_number(latency.largest),
        ]
        for name, latency in measured.items()
    ]
    needs = ", ".join(f"{name.replace('_', '.')} {count_needed(share):,}" for name, share in SHARES.items())
    return (
        render_table(["ms", "samples", "least", "p50", "p90", "p99", "p99.9", "largest"], rows)
        + f"<p><small>Samples that a percentile needs: {needs}.</small></p>"
    )


def _say_percentiles(latency: Latency) -> list[str]:
    values = [getattr(latency, name) for name in SHARES]
    return ["not enough samples" if value is None else format_number(value) for value in values]


def _render_peers(rows: Sequence[Against]) -> str:
    lines = []
    for row in rows:
        settings = ", ".join(f"{key} {value}" for key, value in row.settings.items())
        weights = f" Weights: {escape(row.weights)}." if row.weights else ""
        verdict = escape(row.agreement.detail)
        if not row.agreement.ok:
            verdict = f'<span class="warn">No figure: {verdict}</span>'
        lines.append(
            f'<tr><th scope="row">{escape(row.name)}</th><td>{escape(row.graph)}.{weights}</td>'
            f"<td>{escape(settings)} <small>(best of {row.tried} tried)</small></td><td>{verdict}</td></tr>"
        )
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("peer", "what it runs", "settings", "same answer?")
    )
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _render_split(phases: Phases) -> str:
    inside = {
        "pre-processing": phases.pre_ms,
        "stages": phases.stages_ms,
        "regions": phases.regions_ms,
        "result": phases.result_ms,
    }
    chart = draw_split({name: value for name, value in inside.items() if value is not None})
    decode = ""
    if phases.decode_ms is not None:
        decode = f" Decoding its PNG files would come before it: {format_number(phases.decode_ms)} ms."
    return (
        f"<h3>Where the time of a call goes</h3>{chart}"
        f"<p><small>Medians of {phases.calls} calls that were taken apart, the subject alone.{decode}</small></p>"
    )


def _render_paced(paced: Mapping[str, Paced]) -> str:
    rows = [
        [
            name,
            f"{one.achieved_hz:.2f}",
            f"{one.missed} of {one.due}",
            format_number(one.from_due_ms.p50),
            _say_percentiles(one.from_due_ms)[0],
            format_number(one.from_due_ms.largest),
            format_number(one.from_start_ms.p50),
            format_number(one.jitter_ms),
        ]
        for name, one in paced.items()
    ]
    rate = next(iter(paced.values())).rate_hz
    header = [
        "",
        "answers per s",
        "missed",
        "due → answer, p50 ms",
        "p90",
        "largest",
        "start → answer, p50 ms",
        "jitter ms",
    ]
    return f"<h3>At the pace of a line, {rate:g} Hz</h3>{render_table(header, rows)}"


def _render_start(subject: MeasuredSubject) -> str:
    cold = subject.cold_start
    if cold is None:
        return ""
    facts = {
        "start → first result": f"{cold.until_first_ms:,.0f} ms, Python's own start included",
        "import": f"{cold.import_ms:,.0f} ms",
        "open": f"{cold.open_ms:,.0f} ms: read and verify the bundle, load the stages",
        "first call": f"{format_number(cold.first_ms)} ms",
        "second call": f"{format_number(cold.second_ms)} ms",
    }
    if cold.peak_bytes is not None and cold.import_bytes is not None:
        facts["peak memory"] = (
            f"{cold.peak_bytes / 2**20:.0f} MiB, {cold.import_bytes / 2**20:.0f} after the import"
        )
    words = "a fresh process" if cold.starts == 1 else f"medians of {cold.starts} fresh processes"
    return f"<h3>Cold start <small>({words})</small></h3>{wrap_facts(facts)}"


def _render_bounds(subject: MeasuredSubject, roofline: Roofline) -> str:
    facts = {}
    if roofline.fma_gflop_s is not None:
        bound = 2e3 * subject.macs * subject.batch / (roofline.fma_gflop_s * 1e9)
        facts["arithmetic"] = (
            f"{format_number(bound)} ms: {subject.macs:,} multiply-adds per frame at "
            f"{format_number(roofline.fma_gflop_s)} GFLOP/s"
        )
    moved = 2 * subject.height * subject.width * subject.batch
    facts["memory"] = (
        f"{format_number(moved / roofline.copy_gb_s / 1e6)} ms: frame in and mask out, {moved:,} bytes at "
        f"{format_number(roofline.copy_gb_s)} GB/s"
    )
    facts["measured"] = f"{format_number(subject.latency_ms.p50)} ms"
    return (
        f"<h3>What this machine allows <small>({roofline.threads} threads)</small></h3>{wrap_facts(facts)}"
        "<p><small>The first two are the least that any program would take: multiply-adds at the rate that was "
        "measured here, and its input and output copied once.</small></p>"
    )


def _render_scaling(fits: Sequence[CostFit]) -> str:
    parts = []
    for fit in fits:
        rows = [
            [
                point.label,
                str(point.tiles),
                f"{point.pixels:,}",
                str(point.width),
                format_number(point.time_ms),
                format_number(fit.predict(point.area, point.width)),
            ]
            for point in fit.points
        ]
        parts.append(
            f"<h3>{escape(fit.family)}</h3><p>{escape(describe_fit(fit))}; "
            f"no point is further from it than {fit.largest_error:.0%}.</p>{draw_scaling(fit)}"
            + render_table(["", "tiles", "pixels", "G", "network, ms", "fit, ms"], rows)
        )
    words = "<p>Frame in → mask out, without regions: these depend on what the masks hold.</p>"
    return f"<h2>What size costs</h2>{words}{''.join(parts)}" if parts else ""
