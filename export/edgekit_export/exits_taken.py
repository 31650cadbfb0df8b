"""Which stage answers each row, by the rule of the runtime: the first one that is sure, else the last one that can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle import StageInfo
from edgekit_runtime.exits import confidence, gate_rows

Array = npt.NDArray[Any]


def take_exits(stages: Sequence[StageInfo], outputs: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Yield for each row the stage that answers it and its class probabilities, float32 (K,).

    Args:
        stages: Of a classifying bundle.
        outputs: Every output of every stage by name; the rows are the first axis.
    """
    exits = [(stage.name, stage.exit) for stage in stages if stage.exit is not None]
    answers = [outputs[end.output] for _, end in exits]
    confidences = np.stack([confidence(answer) for answer in answers], axis=1)
    gated = gate_rows(confidences, [end.threshold for _, end in exits])
    for row, place in enumerate(gated.places.tolist()):
        yield exits[place][0], answers[place][row]
