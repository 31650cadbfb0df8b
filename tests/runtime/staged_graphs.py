"""A small bundle of real graphs whose exits differ from each other, and what they answer, row by row, in NumPy.

Every stage carries 4·f·(1 − f) of what it takes, f in [0, 1], as a 2×2 map, and gives class 1 the value that it
carries. That is the logistic map: its values jump about, so that a row is sure at one exit and unsure at the next. The
first stage takes the mean of the frame, and a black frame gives 0/0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper

from edgekit_runtime.bundle import Bundle
from edgekit_runtime.testing import fake_bundle
from tests.runtime.onnx_graphs import make_model, put_graphs, tensor

HEIGHT, WIDTH = 4, 6


def staged_bundle(path: Path, *, exits: int = 4, batch: int | None = None, threshold: float = 0.75) -> Bundle:
    bundle = fake_bundle(
        path, task="classify", exits=exits, height=HEIGHT, width=WIDTH, batch=batch, exit_threshold=threshold
    )
    graphs = {f"exit{number}": _graph(number, exits, batch or "N") for number in range(1, exits + 1)}
    return put_graphs(bundle, graphs)


def _graph(number: int, exits: int, batch: int | str) -> ModelProto:
    source = "frame" if number == 1 else f"features{number - 1}"
    first = [
        helper.make_node("Cast", ["frame"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["grey"], ["mean"], axes=[1, 2], keepdims=1),
        helper.make_node("Div", ["mean", "white"], ["scaled"]),
        helper.make_node("Div", ["scaled", "scaled"], ["unit"]),
        helper.make_node("Mul", ["scaled", "unit"], ["checked"]),
        helper.make_node("Tile", ["checked", "twice"], ["taken"]),
    ]
    later = [helper.make_node("Identity", [source], ["taken"])]
    answer = [
        helper.make_node("Sub", ["one", "taken"], ["rest_map"]),
        helper.make_node("Mul", ["taken", "rest_map"], ["product"]),
        helper.make_node("Mul", ["product", "four"], [f"features{number}"]),
        helper.make_node("ReduceMean", [f"features{number}"], ["value_map"], axes=[1, 2], keepdims=1),
        helper.make_node("Squeeze", ["value_map", "last"], ["value"]),
        helper.make_node("Sub", ["one", "value"], ["rest"]),
        helper.make_node("Concat", ["rest", "value"], [f"p{number}"], axis=1),
    ]
    carried = tensor(f"features{number}", TensorProto.FLOAT, (batch, 2, 2))
    probabilities = tensor(f"p{number}", TensorProto.FLOAT, (batch, 2))
    taken = (
        tensor("frame", TensorProto.UINT8, (batch, HEIGHT, WIDTH))
        if number == 1
        else tensor(source, TensorProto.FLOAT, (batch, 2, 2))
    )
    return make_model(
        [*(first if number == 1 else later), *answer],
        [taken],
        [probabilities] if number == exits else [carried, probabilities],
        {
            "one": np.array(1, np.float32),
            "four": np.array(4, np.float32),
            "last": np.array([2]),
            **({"white": np.array(255, np.float32), "twice": np.array([1, 2, 2])} if number == 1 else {}),
        },
    )


def expected_probabilities(frames: np.ndarray, exits: int) -> np.ndarray:
    """Return float64 (N, exits, 2) for frames uint8 (N, HEIGHT, WIDTH)."""
    answers = np.empty((len(frames), exits, 2))
    for row, frame in enumerate(frames):
        value = frame.mean() / 255 if frame.any() else np.nan
        for number in range(exits):
            value = 4 * value * (1 - value)
            answers[row, number] = 1 - value, value
    return answers
