from __future__ import annotations

import re

import numpy as np
import pytest
from onnx import helper

from edgekit_export.precision.half_range import find_misfit
from tests.export.graphs import make_graph, normal

WEIGHTS = normal(4, 3, 3, 3)


def judge(weights, bias):
    model = make_graph(
        [helper.make_node("Conv", ["x", "w", "b"], ["y"])],
        {"x": ["N", 3, 4, 4]},
        {"y": ["N", 4, 2, 2]},
        {"w": np.asarray(weights, np.float32), "b": np.asarray(bias, np.float32)},
    )
    return find_misfit(model.graph[0])


def small_channel():
    weights = WEIGHTS.copy()
    weights[2] *= 1e-9
    return weights


@pytest.mark.parametrize(
    ("weights", "bias"),
    [
        (WEIGHTS, np.ones(4)),
        (WEIGHTS * 1e-3, np.ones(4)),
        # Added to what a channel gives, so little is nothing.
        (WEIGHTS, np.full(4, 1e-9)),
        # A channel that training has switched off.
        (small_channel(), np.ones(4)),
        (np.zeros((4, 3, 3, 3)), np.zeros(4)),
    ],
)
def test_what_fits(weights, bias):
    assert judge(weights, bias) is None


def take(op, **numbers):
    shape = ["N", 3]
    model = make_graph(
        [helper.make_node(op, ["x", *numbers], ["y"])],
        {"x": shape},
        {"y": shape},
        {name: np.asarray(number, np.float32) for name, number in numbers.items()},
    )
    return find_misfit(model.graph[0])


def test_an_epsilon_that_fp16_makes_zero():
    assert take("Add", e=1e-8) == "e: it is 1e-08, and 0 in fp16"
    assert take("Clip", low=-1, high=1e-12) == "high: it is 1e-12, and 0 in fp16"
    assert take("Add", e=1e-5) is None
    assert take("Add", e=0) is None
    assert take("Add", e=[1e-8, 1, 1]) is None


@pytest.mark.parametrize(
    ("weights", "bias", "reason"),
    [
        (WEIGHTS * 1e5, np.ones(4), r"w: its largest value 2.33e\+05 exceeds"),
        (WEIGHTS, np.full(4, -7e4), r"b: its largest value 7e\+04 exceeds"),
        (WEIGHTS * 1e-6, np.ones(4), "w: rounding to fp16 takes .*%"),
        (WEIGHTS * 1e-9, np.ones(4), "w: rounding to fp16 takes 100"),
    ],
)
def test_what_does_not_fit(weights, bias, reason):
    assert re.match(reason, judge(weights, bias))
