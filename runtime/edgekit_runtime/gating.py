"""Gating: after each stage with an exit, rows that it answers leave, and the others go on.

Rows that go on move as little as possible: those at the front stay where they are, and the gaps that answered rows
leave are filled from the end. So the order of rows changes on the way, and their numbers go with them. In a fixed
batch, whose graphs run no fewer rows, nothing moves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle.manifest import StageInfo
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.exits import Decisions, ExitPolicy, Probabilities, confidence
from edgekit_runtime.frames import Frames
from edgekit_runtime.stage_running import StageRunner

Rows = npt.NDArray[np.intp]
"""Numbers of rows, (n,)."""


@dataclass(frozen=True, eq=False)
class ExitAnswers:
    """What exits answered for a batch, in the order of its frames.

    Attributes:
        probabilities: float32 (N, classes) at the exit that answered.
        exits: 1-based number of the stage that answered each row.
        low_confidence: Rows that the last exit answered below its own threshold.
    """

    probabilities: Probabilities
    exits: npt.NDArray[np.int64]
    low_confidence: npt.NDArray[np.bool_]

    @classmethod
    def allocate(cls, count: int, classes: int) -> ExitAnswers:
        """Return answers that are still to be written."""
        return cls(
            np.empty((count, classes), np.float32), np.zeros(count, np.int64), np.zeros(count, np.bool_)
        )

    def write(self, rows: Rows, probabilities: Probabilities, number: int) -> None:
        """Note that rows were answered at an exit."""
        self.probabilities[rows], self.exits[rows] = probabilities, number


def run_gated(
    runner: StageRunner,
    chunk: Frames,
    rows: Rows,
    policy: ExitPolicy,
    last_threshold: float,
    answers: ExitAnswers,
) -> None:
    """Run a chunk of a batch through the stages until every row is answered.

    Args:
        runner: Of the bundle's stages, the last of which has an exit.
        chunk: Frames that run together; those after the first len(rows) fill up a fixed batch.
        rows: Numbers of the frames in the batch.
        policy: Decides which rows an exit answers.
        last_threshold: Confidence below which the last exit's answers are marked.
        answers: Of the whole batch; those of the chunk are written.
    """
    last = runner.manifest.stages[-1]
    waiting = _Waiting(runner, chunk, rows)
    for number, stage in enumerate(runner.manifest.stages, 1):
        probabilities = waiting.run(stage)
        if probabilities is None:
            continue
        rows = waiting.rows
        if stage is last:
            answers.low_confidence[rows] = ~(confidence(probabilities) >= last_threshold)
            answers.write(rows, probabilities, number)
            return
        here = _decide(policy, number, stage, probabilities, rows)
        leaving = np.count_nonzero(here)
        if leaving == len(rows):
            answers.write(rows, probabilities, number)
            return
        if leaving:
            answers.write(rows[here], probabilities[here], number)
            waiting.keep(~here)


class _Waiting:
    """The rows of a chunk that no exit has answered yet, and where they are in the tensors that go on.

    Attributes:
        rows: Their numbers in the batch.
    """

    def __init__(self, runner: StageRunner, chunk: Frames, rows: Rows) -> None:
        self.rows = rows
        self._runner = runner
        self._tensors = runner.upload(chunk)
        self._running = len(chunk)
        self._places = None if len(rows) == len(chunk) else np.arange(len(rows))

    def run(self, stage: StageInfo) -> Probabilities | None:
        """Run the next stage; returns what its exit says of the rows, None where it has none."""
        outputs = self._runner.run(stage, self._tensors)
        self._tensors = {name: outputs[name] for name in stage.carries}
        if stage.exit is None:
            return None
        found = self._runner.read(stage, outputs, self._runner.exits[stage.name], self._running)
        return found if self._places is None else found[self._places]

    def keep(self, staying: Decisions) -> None:
        """Go on with some of the rows alone."""
        if self._runner.manifest.input.batch is not None:
            self._places = np.flatnonzero(staying) if self._places is None else self._places[staying]
            self.rows = self.rows[staying]
            return
        kept = fill_gaps(staying)
        backend = self._runner.backend
        self._tensors = {name: backend.keep_rows(tensor, kept) for name, tensor in self._tensors.items()}
        self.rows, self._running = self.rows[kept], len(kept)


def fill_gaps(undecided: Decisions) -> Rows:
    """Return which row comes to each place: its own where that goes on, else one from beyond the last place."""
    count = np.count_nonzero(undecided)
    kept = np.arange(count)
    kept[~undecided[:count]] = count + np.flatnonzero(undecided[count:])
    return kept


def _decide(
    policy: ExitPolicy, number: int, stage: StageInfo, probabilities: Probabilities, rows: Rows
) -> Decisions:
    # The answers are still to be written from these: a policy may look at them alone.
    probabilities.flags.writeable = rows.flags.writeable = False
    here: Decisions = np.asarray(policy(number - 1, stage.name, probabilities, rows))
    if here.dtype != np.bool_ or here.shape != (len(rows),):
        raise UsageProblem(
            f"The exit policy must answer bool ({len(rows)},) at stage {stage.name!r}, "
            f"got {here.dtype} {here.shape}.",
            remedy="Return one True or False per row that it was shown, such as probabilities.max(axis=1) >= 0.8.",
        )
    return here
