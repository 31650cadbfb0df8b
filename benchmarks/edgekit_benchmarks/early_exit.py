"""A staged bundle against a network without exits, and against its own stages in one graph; exits are replayed.

Every round gives each contestant the same batch, so that ratios are taken within rounds. One graph of all stages, and
one that stops by `If`, come as callables: making them takes the exporter.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_benchmarks.exit_shares import Exits
from edgekit_benchmarks.interleaving import Schedule, measure_interleaved
from edgekit_benchmarks.loop_times import LoopTimes, TimedLoop
from edgekit_benchmarks.ratios import Ratio, measure_ratio
from edgekit_benchmarks.realised import Realised, measure_realised
from edgekit_benchmarks.sampling import Call
from edgekit_runtime import Detector
from edgekit_runtime.errors import GateFailed, UsageProblem
from edgekit_runtime.exits import ReplayExits
from edgekit_runtime.frames import prepare_batch
from edgekit_runtime.verification import FLOAT_TOLERANCE

PLAIN, FULL = "plain", "every exit"
SINGLY, CONDITIONAL, JOINED, JOINED_SINGLY = "batch 1", "If, batch 1", "one graph", "one graph, batch 1"

Frames = npt.NDArray[Any]
"""(N, H, W) or (N, H, W, 3), as the bundles take them."""

AskConditional = Callable[[Frames, int], tuple[int, npt.NDArray[np.float32]]]
"""One frame and the exit at which it shall leave → the exit at which it left, and its probabilities (classes,)."""

AskJoined = Callable[[Frames], Sequence[npt.NDArray[np.float32]]]
"""Frames → the probabilities of every exit, (N, classes) each."""


@dataclass(frozen=True, eq=False)
class Sides:
    """What takes part.

    Attributes:
        staged: The network with exits, READY.
        plain: The one without, READY.
        ask_conditional: The stages in one graph that stops by `If`, a frame at a time.
        ask_joined: The stages in one graph that runs all of them.
    """

    staged: Detector
    plain: Detector
    ask_conditional: AskConditional
    ask_joined: AskJoined


WARM_UPS = 2
"""Calls of each contestant before the first that counts: caches and threads, and memory that grows in the first one."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is run.

    Attributes:
        batches: Frames, which the rounds take in turn.
        exits: Kind of material → the exits of its rows, (rounds, rows).
        apart: The kind that frames are also run of one by one, and in one graph.
    """

    batches: Sequence[Frames]
    exits: Mapping[str, Exits]
    apart: str

    def frames(self, number: int) -> Frames:
        """Return the frames of a round."""
        return self.batches[number % len(self.batches)]


@dataclass(frozen=True)
class Measured:
    """All times, and what follows from them.

    Attributes:
        rounds_ms: Contestant → ms of its batch in every round.
        stages: Names of the stages.
        stages_ms: Their times in a full batch, (rounds, stages).
        gated: Kind → what early exit saves.
        over_gated: Another way to run the kind that is run apart → its time over that of the compacted batch.
        conditional_over_singly: The graph with `If` over the staged runtime, both a frame at a time.
    """

    rounds_ms: dict[str, list[float]]
    stages: list[str]
    stages_ms: list[list[float]]
    gated: dict[str, Realised]
    over_gated: dict[str, Ratio]
    conditional_over_singly: Ratio


@dataclass(frozen=True)
class LoopCost:
    """What the loop takes beyond the runs of its stages.

    Attributes:
        bundle: Its name.
        size: Height and width of a frame.
        rows: Of a batch.
        batches: How many were taken.
        compaction_us: Per row of the batch, in µs: median, least, most.
        rest_us: The same of gates, scattering and the loop itself.
        share_of_time: Median of both over the whole time of a batch.
    """

    bundle: str
    size: tuple[int, int]
    rows: int
    batches: int
    compaction_us: tuple[float, float, float]
    rest_us: tuple[float, float, float]
    share_of_time: float


def check_sides(sides: Sides, frames: Frames) -> None:
    """Refuse to measure what does not take the same frames or does not answer alike.

    Raises:
        UsageProblem: If the bundles take other frames, or the staged one has a stage without an exit.
        GateFailed: If the graphs answer otherwise than the staged runtime.
    """
    shapes = [detector.manifest.input.frame_shape for detector in (sides.staged, sides.plain)]
    if shapes[0] != shapes[1]:
        raise UsageProblem(
            f"The bundles take frames of {shapes[0]} and of {shapes[1]}.",
            remedy="Export both with one --size.",
        )
    if any(stage.exit is None for stage in sides.staged.manifest.stages):
        raise UsageProblem(f"{sides.staged.manifest.name} has a stage without an exit.", remedy="Take dinet.")
    # A graph is optimised as a whole: sums change their order, and roundings below fp32 their places.
    allowed = FLOAT_TOLERANCE[sides.staged.manifest.precision]
    for leave, joined in enumerate(sides.ask_joined(frames), 1):
        results = sides.staged.run_batch(frames, exit_policy=ReplayExits([leave] * len(frames)))
        wanted = np.array([list((result.probabilities or {}).values()) for result in results])
        left, answer = sides.ask_conditional(frames[0], leave)
        # NumPy's largest of anything and NaN is NaN; Python's depends on which comes first.
        worst = float(np.max([np.abs(joined - wanted).max(), np.abs(answer - wanted[0]).max()]))
        if left != leave or not worst <= allowed:
            raise GateFailed(
                f"Told to leave at exit {leave}, the graph with If leaves at {left}, and probabilities differ by "
                f"{worst:.1e} from those of the staged runtime; {allowed:.0e} is allowed.",
                remedy="Make the graphs from the bundle that is measured.",
            )


def measure_sides(sides: Sides, task: Task, rounds: int, generator: np.random.Generator) -> Measured:
    """Run every contestant once per round, in an order drawn anew."""
    full: list[LoopTimes] = []
    calls = _list_calls(sides, task, full)
    for _ in range(WARM_UPS):
        for call in calls.values():
            call(0)
    full.clear()
    schedule = Schedule(rounds, block=1, settling=0, limit_s=math.inf)
    taken = measure_interleaved(calls, schedule, generator=generator)
    stages = [stage.name for stage in sides.staged.manifest.stages]
    stages_ms = [[times.stages_ms[stage] for stage in stages] for times in full]
    ms = {name: [block[0] for block in blocks] for name, blocks in taken.items()}
    return Measured(
        ms,
        stages,
        stages_ms,
        {
            kind: measure_realised(ms[PLAIN], stages_ms, ms[kind], exits, generator)
            for kind, exits in task.exits.items()
        },
        {
            name: measure_ratio(taken[name], taken[task.apart], generator)
            for name in (SINGLY, CONDITIONAL, JOINED, JOINED_SINGLY)
        },
        measure_ratio(taken[CONDITIONAL], taken[SINGLY], generator),
    )


def _list_calls(sides: Sides, task: Task, full: list[LoopTimes]) -> dict[str, Call]:
    """Return the contestants; times of the stages in full batches are appended to `full`."""
    manifest = sides.staged.manifest
    loop, last = TimedLoop(sides.staged.backend, manifest), len(manifest.stages)

    def run_full(number: int) -> None:
        frames = prepare_batch(task.frames(number), manifest.input).frames
        full.append(loop.run(frames, ReplayExits([last] * len(frames))))

    def run_gated(kind: str) -> Call:
        return lambda number: sides.staged.run_batch(
            task.frames(number), exit_policy=ReplayExits(task.exits[kind][number])
        )

    def run_singly(number: int) -> None:
        for frame, leave in zip(task.frames(number), task.exits[task.apart][number], strict=True):
            sides.staged.run_batch(frame[np.newaxis], exit_policy=ReplayExits([leave]))

    def run_conditional(number: int) -> None:
        for frame, leave in zip(task.frames(number), task.exits[task.apart][number], strict=True):
            sides.ask_conditional(frame, int(leave))

    def run_joined_singly(number: int) -> None:
        for frame in task.frames(number):
            sides.ask_joined(frame[np.newaxis])

    return {
        PLAIN: lambda number: sides.plain.run_batch(task.frames(number)),
        FULL: run_full,
        **{kind: run_gated(kind) for kind in task.exits},
        SINGLY: run_singly,
        CONDITIONAL: run_conditional,
        JOINED: lambda number: sides.ask_joined(task.frames(number)),
        JOINED_SINGLY: run_joined_singly,
    }


def measure_loop(detector: Detector, batches: Sequence[Frames], exits: Exits) -> LoopCost:
    """Return what the loop takes beyond the runs of its stages, for batches whose rows leave at these exits.

    Args:
        detector: READY.
        batches: Frames, which are taken in turn.
        exits: (batches, rows); the first batch is run once more before, untimed.
    """
    manifest = detector.manifest
    loop, found = TimedLoop(detector.backend, manifest), []
    for number, leave in enumerate((exits[0], *exits)):
        frames = prepare_batch(batches[number % len(batches)], manifest.input).frames
        found.append(loop.run(frames, ReplayExits(leave)))
    kept, rows = found[1:], exits.shape[1]
    return LoopCost(
        manifest.name,
        (manifest.input.height, manifest.input.width),
        rows,
        len(kept),
        _summarise([1e3 * times.compaction_ms / rows for times in kept]),
        _summarise([1e3 * times.rest_ms / rows for times in kept]),
        statistics.median((times.compaction_ms + times.rest_ms) / times.total_ms for times in kept),
    )


def _summarise(values: Sequence[float]) -> tuple[float, float, float]:
    return statistics.median(values), min(values), max(values)
