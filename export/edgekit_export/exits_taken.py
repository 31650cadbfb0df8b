"""Which stage answers each row, by the rule of the runtime: the first one that is sure, else the last one that can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle import StageInfo
from edgekit_runtime.exits import ThresholdExits

Array = npt.NDArray[Any]

_ONE_ROW = np.zeros(1, np.intp)


def take_exits(stages: Sequence[StageInfo], outputs: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Yield for each row the stage that answers it and its class probabilities, float32 (K,).

    Args:
        stages: Of a classifying bundle.
        outputs: Every output of every stage by name; the rows are the first axis.
    """
    exits = ThresholdExits(None if stage.exit is None else stage.exit.threshold for stage in stages)
    answers = [
        (index, stage.name, outputs[stage.exit.output])
        for index, stage in enumerate(stages)
        if stage.exit is not None
    ]
    for row in range(len(answers[0][2])):
        for index, name, probabilities in answers:
            answer = probabilities[row : row + 1]
            if index == answers[-1][0] or exits(index, name, answer, _ONE_ROW)[0]:
                yield name, answer[0]
                break
