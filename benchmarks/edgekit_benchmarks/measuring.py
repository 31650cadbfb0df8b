"""One run: warm up, compare answers, measure subject and peers in turn, and then what is the subject's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from edgekit_benchmarks.agreement import Agreement, check_agreement
from edgekit_benchmarks.cold_start import ColdStart, measure_cold_start
from edgekit_benchmarks.contestants import Contestant, Frames, bind_frames
from edgekit_benchmarks.documents import Against, MeasuredSubject, Run
from edgekit_benchmarks.interleaving import measure_interleaved, plan_rounds
from edgekit_benchmarks.pacing import Paced, measure_paced
from edgekit_benchmarks.percentiles import Rounds, summarise_latency
from edgekit_benchmarks.phases import Decode, measure_phases
from edgekit_benchmarks.profiles import Profile
from edgekit_benchmarks.ratios import measure_ratio
from edgekit_benchmarks.sampling import Call, Clock, WarmUp, warm_up
from edgekit_benchmarks.subjects import describe_subject, make_subject
from edgekit_runtime import Detector
from edgekit_runtime.errors import GateFailed

DECIMALS = 5
"""Of a sample in ms: 10 ns, below what the clock resolves."""

Progress = Callable[[int], AbstractContextManager[Callable[[], None]]]
"""Opens a bar of so many steps and yields what advances it."""


def _show_nothing(_steps: int) -> AbstractContextManager[Callable[[], None]]:
    return nullcontext(lambda: None)


@dataclass(frozen=True)
class Conditions:
    """How a run is measured.

    Attributes:
        profile: How much effort.
        device: As it was asked for.
        threads: As they were asked for.
        rate_hz: Of the paced run; None leaves it out.
        cold: Whether fresh processes are started.
        seed: Draws the order within rounds, and the bootstrap.
    """

    profile: Profile
    device: str = "auto"
    threads: int | None = None
    rate_hz: float | None = None
    cold: bool = True
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Tools:
    """What the caller lends: time, progress, and a decoder of image files."""

    clock: Clock = time.perf_counter
    sleep: Callable[[float], None] = time.sleep
    report: Callable[[str], None] = lambda _text: None
    progress: Progress = field(default=_show_nothing)
    decode: Decode | None = None


def measure_run(
    detector: Detector,
    batches: Sequence[Frames],
    peers: Sequence[Contestant],
    conditions: Conditions,
    tools: Tools | None = None,
) -> Run:
    """Measure a READY detector, in turn with its peers.

    Args:
        detector: The subject.
        batches: Frames of each call; all contestants take them in turn.
        peers: Whom it is measured against.
        conditions: How.
        tools: Clock, progress, decoder.

    Raises:
        GateFailed: If the subject's regions are not those of its own mask: it gets no number.
    """
    tools = tools or Tools()
    subject = make_subject(detector)
    require_sound(subject, batches)
    agreements = [check_agreement(subject, peer, batches) for peer in peers]
    taking_part = [peer for peer, agreement in zip(peers, agreements, strict=True) if agreement.ok]
    calls = {SUBJECT: bind_frames(subject, batches)}
    calls |= {peer.name: bind_frames(peer, batches) for peer in taking_part}
    warm = {name: _warm_up(name, call, conditions, tools) for name, call in calls.items()}
    rounds = _measure_rounds(calls, warm, conditions, tools)
    paced = _measure_paced(calls, conditions, tools)
    facts = describe_subject(detector, device=conditions.device, batch=len(batches[0]))
    tools.report("taking calls apart")
    phases = measure_phases(
        detector,
        batches,
        calls=conditions.profile.samples,
        limit_s=conditions.profile.warm_up_s,
        decode=tools.decode,
        clock=tools.clock,
    )
    measured = MeasuredSubject(
        **asdict(facts),
        latency_ms=summarise_latency(rounds[SUBJECT]),
        warm_up=warm[SUBJECT],
        phases=phases,
        paced=paced.get(SUBJECT),
        cold_start=_measure_cold(detector, conditions, len(batches[0]), tools) if conditions.cold else None,
    )
    generator = np.random.default_rng([conditions.seed, 1])
    describe = partial(_describe_peer, rounds=rounds, warm=warm, paced=paced, generator=generator)
    return Run(measured, tuple(map(describe, peers, agreements)))


SUBJECT = "the subject"
"""Among the contestants of a run; no peer is called so."""


def require_sound(subject: Contestant, batches: Sequence[Frames]) -> None:
    """Raise GateFailed unless the subject agrees with itself: its regions are those of its own masks."""
    agreement = check_agreement(subject, subject, batches)
    if not agreement.ok:
        raise GateFailed(
            f"The {subject.name} backend is not measured: {agreement.detail}.",
            remedy="Run `edgekit verify` on the bundle, and report what it says.",
        )


def _warm_up(name: str, call: Call, conditions: Conditions, tools: Tools) -> WarmUp:
    tools.report(f"warming up {name}")
    return warm_up(call, limit_s=conditions.profile.warm_up_s, clock=tools.clock)


def _measure_rounds(
    calls: dict[str, Call], warm: dict[str, WarmUp], conditions: Conditions, tools: Tools
) -> dict[str, Rounds]:
    profile = conditions.profile
    slowest = max(one.typical_s for one in warm.values())
    schedule = plan_rounds(profile.samples, slowest_s=slowest, limit_s=profile.seconds, alone=len(calls) == 1)
    tools.report(f"measuring {schedule.rounds} rounds of {schedule.block}, or {profile.seconds:g} s")
    with tools.progress(schedule.rounds) as advance:
        rounds = measure_interleaved(
            calls,
            schedule,
            generator=np.random.default_rng([conditions.seed, 0]),
            clock=tools.clock,
            advance=advance,
        )
    return {
        name: tuple(tuple(round(time_ms, DECIMALS) for time_ms in block) for block in blocks)
        for name, blocks in rounds.items()
    }


def _measure_paced(calls: dict[str, Call], conditions: Conditions, tools: Tools) -> dict[str, Paced]:
    """Run the contestants at the line's rate, one after the other: a line has one of them."""
    if conditions.rate_hz is None:
        return {}
    paced = {}
    for name, call in calls.items():
        tools.report(f"{name} at {conditions.rate_hz:g} Hz for {conditions.profile.paced_s:g} s")
        paced[name] = measure_paced(
            call,
            rate_hz=conditions.rate_hz,
            seconds=conditions.profile.paced_s,
            clock=tools.clock,
            sleep=tools.sleep,
        )
    return paced


def _measure_cold(detector: Detector, conditions: Conditions, batch: int, tools: Tools) -> ColdStart:
    tools.report(f"starting {conditions.profile.starts} fresh processes")
    return measure_cold_start(
        Path(detector.bundle.path),
        device=conditions.device,
        backend=detector.backend.name,
        threads=conditions.threads,
        batch=batch,
        starts=conditions.profile.starts,
    )


def _describe_peer(
    peer: Contestant,
    agreement: Agreement,
    *,
    rounds: dict[str, Rounds],
    warm: dict[str, WarmUp],
    paced: dict[str, Paced],
    generator: np.random.Generator,
) -> Against:
    own = rounds.get(peer.name)
    return Against(
        name=peer.name,
        graph=peer.graph,
        weights=peer.weights,
        settings=peer.settings,
        tried=peer.tried,
        agreement=agreement,
        latency_ms=summarise_latency(own) if own is not None else None,
        ratio=measure_ratio(own, rounds[SUBJECT], generator) if own is not None else None,
        warm_up=warm.get(peer.name),
        paced=paced.get(peer.name),
    )
