"""What a batch costs stage by stage, and what the loop around the stages adds: gates, compaction, scattering.

A clock stands around every method of the backend that the loop calls; the rest of the time is the loop's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from edgekit_benchmarks.sampling import Clock
from edgekit_runtime.backends import Backend
from edgekit_runtime.bundle import Manifest
from edgekit_runtime.execution import Execution
from edgekit_runtime.exits import ExitPolicy
from edgekit_runtime.frames import Frames

COMPACTING = "keep_rows"


@dataclass(frozen=True)
class LoopTimes:
    """One batch, in ms.

    Attributes:
        total_ms: Frames in, answers out.
        stages_ms: Stage → its run; stages that no row reached are not there.
        compaction_ms: Making the undecided rows a batch of their own.
        rest_ms: Everything else: reading probabilities, gates, scattering answers, and the loop itself.
    """

    total_ms: float
    stages_ms: dict[str, float]
    compaction_ms: float
    rest_ms: float

    @property
    def beyond_ms(self) -> float:
        """What there is beyond the runs of the stages."""
        return self.compaction_ms + self.rest_ms


class TimedBackend:
    """A backend of which every method is timed; attributes are those of the backend.

    Args:
        backend: READY; it stays the caller's.
        clock: Seconds of a steady clock.

    Attributes:
        seconds: Method, or the stage that was run → how long since the last `reset`.
    """

    def __init__(self, backend: Backend, clock: Clock = time.perf_counter) -> None:
        self._backend, self._clock = backend, clock
        self.seconds: dict[tuple[str, str], float] = {}

    def reset(self) -> None:
        """Begin anew."""
        self.seconds.clear()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._backend, name)
        if not callable(value):
            return value
        timed = self._time(name, value)
        setattr(self, name, timed)  # found without a search from now on
        return timed

    def _time(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        clock, seconds = self._clock, self.seconds

        def call(*arguments: Any, **named: Any) -> Any:
            key = (name, arguments[0] if name == "run" else "")
            started = clock()
            answer = method(*arguments, **named)
            seconds[key] = seconds.get(key, 0.0) + clock() - started
            return answer

        return call


class TimedLoop:
    """The loop of a bundle, as a detector has it, that says where its time went.

    Args:
        backend: READY; it stays the caller's.
        manifest: Of its bundle.
        clock: Seconds of a steady clock.
    """

    def __init__(self, backend: Backend, manifest: Manifest, clock: Clock = time.perf_counter) -> None:
        self._clock = clock
        self._timed = TimedBackend(backend, clock)
        self._execution = Execution(cast("Backend", self._timed), manifest)

    def run(self, frames: Frames, policy: ExitPolicy) -> LoopTimes:
        """Run a batch.

        Args:
            frames: As `edgekit_runtime.frames.prepare_batch` makes them.
            policy: Which rows leave where.
        """
        self._timed.reset()
        started = self._clock()
        self._execution.run(frames, policy)
        return split_times(self._clock() - started, self._timed.seconds)


def split_times(total_s: float, seconds: Mapping[tuple[str, str], float]) -> LoopTimes:
    """Return the parts of a batch's time from those of the methods that it called."""
    stages = {stage: value * 1e3 for (method, stage), value in seconds.items() if method == "run"}
    compaction = sum(value for (method, _), value in seconds.items() if method == COMPACTING) * 1e3
    return LoopTimes(total_s * 1e3, stages, compaction, total_s * 1e3 - sum(stages.values()) - compaction)
