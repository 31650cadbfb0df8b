"""Gates: what a build or a line asks of a measurement, and whether it holds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from edgekit_benchmarks.documents import BenchDocument, Run
from edgekit_benchmarks.percentiles import count_needed
from edgekit_runtime.errors import GateFailed, UsageProblem
from edgekit_runtime.near_names import suggest


@dataclass(frozen=True)
class Gates:
    """What is asked.

    Attributes:
        max_p99_ms: Largest 99th percentile of every subject; None asks nothing.
        min_ratios: Peer → least median ratio.
    """

    max_p99_ms: float | None = None
    min_ratios: Mapping[str, float] = field(default_factory=dict)


def parse_gates(max_p99_ms: float | None, min_ratios: Sequence[str], peers: Sequence[str]) -> Gates:
    """Read the gates as they are typed.

    Args:
        max_p99_ms: In ms.
        min_ratios: "PEER=R", or "R" for every peer.
        peers: The peers of the measurement; "PEER+passes" is the second row of one.

    Raises:
        UsageProblem: If a gate asks for what is not measured, or its number is none.
    """
    if max_p99_ms is not None and not 0 < max_p99_ms < math.inf:
        raise UsageProblem(f"A largest p99 must be above 0 ms, got {max_p99_ms:g}.")
    wanted: dict[str, float] = {}
    for text in min_ratios:
        name, _, number = text.rpartition("=")
        known = [*peers, *(f"{peer}+passes" for peer in peers)]
        if not peers or (name and name not in known):
            raise UsageProblem(
                f"--min-ratio {text} needs a peer that is measured. {suggest(name, known) if peers else ''}".rstrip(),
                remedy="Name the peer with --against, such as --against openvino --min-ratio openvino=6.",
            )
        wanted |= dict.fromkeys([name] if name else peers, _parse_ratio(number, text))
    return Gates(max_p99_ms, wanted)


def _parse_ratio(number: str, text: str) -> float:
    try:
        ratio = float(number)
    except ValueError:
        ratio = math.nan
    if not 0 < ratio < math.inf:
        raise UsageProblem(
            f"--min-ratio takes PEER=R or R, a number above 0; got {text!r}.",
            remedy="Write --min-ratio openvino=6.",
        )
    return ratio


def require_gates(gates: Gates, document: BenchDocument) -> None:
    """Raise GateFailed, naming every gate that does not hold. What was not measured does not hold."""
    faults = [fault for run in document.runs for fault in _find_faults(gates, run)]
    if faults:
        raise GateFailed(
            "; ".join(faults) + ".", remedy="Look at the time split and the peers' settings in the report."
        )


def _find_faults(gates: Gates, run: Run) -> Iterator[str]:
    name, latency = run.subject.name, run.subject.latency_ms
    if gates.max_p99_ms is not None:
        if latency.p99 is None:
            yield (
                f"{name}: p99 is not known, {latency.samples} of {count_needed(0.99)} samples were taken "
                "(--profile standard takes them where the time allows)"
            )
        elif latency.p99 > gates.max_p99_ms:
            yield f"{name}: p99 is {latency.p99:.3f} ms, at most {gates.max_p99_ms:g} ms is asked for"
    rows = {row.name: row for row in run.against}
    for peer, least in gates.min_ratios.items():
        row = rows.get(peer)
        if row is None or row.ratio is None:
            why = "was not measured" if row is None else f"has no ratio ({row.agreement.detail})"
            yield f"{name}: {peer} {why}"
        elif row.ratio.median < least:
            yield f"{name}: {row.ratio.median:.2f} times as fast as {peer}, at least {least:g} is asked for"
