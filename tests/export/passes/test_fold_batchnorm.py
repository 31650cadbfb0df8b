from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from edgekit_export.passes.driver import run_passes
from edgekit_export.passes.fold_batchnorm import FoldBatchNorm
from edgekit_export.passes.remove_dead import RemoveDead
from tests.export.graphs import make_graph, normal, ops, run


def norm_constants(channels: int) -> dict[str, np.ndarray]:
    return {
        "gamma": normal(channels, seed=1),
        "beta": normal(channels, seed=2),
        "mean": normal(channels, seed=3),
        "variance": np.abs(normal(channels, seed=4)) + 0.1,
    }


def norm_node(source: str, result: str):
    return helper.make_node(
        "BatchNormalization", [source, "gamma", "beta", "mean", "variance"], [result], epsilon=1e-3
    )


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
def test_folds_and_answers_the_same(op, groups, bias):
    shape = (6, 4 // groups, 3, 3) if op == "Conv" else (4, 6 // groups, 3, 3)
    inputs = ["x", "w", "b"] if bias else ["x", "w"]
    model = make_graph(
        [helper.make_node(op, inputs, ["c"], group=groups, pads=[1, 1, 1, 1]), norm_node("c", "y")],
        {"x": ["N", 4, 5, 6]},
        {"y": ["N", 6, 5, 6]},
        {"w": normal(*shape), **({"b": normal(6, seed=5)} if bias else {}), **norm_constants(6)},
    )
    x = normal(2, 4, 5, 6, seed=9)
    folded = run_passes(model, [FoldBatchNorm(), RemoveDead()], {"x": x})
    assert ops(folded) == [op]
    assert len(folded.graph.initializers) == 2
    np.testing.assert_allclose(run(folded, x=x)["y"], run(model, x=x)["y"], rtol=1e-5, atol=1e-5)


def test_a_convolution_with_another_user_keeps_its_norm():
    model = make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"]),
            norm_node("c", "n"),
            helper.make_node("Add", ["c", "n"], ["y"]),
        ],
        {"x": ["N", 2, 4, 4]},
        {"y": ["N", 2, 4, 4]},
        {"w": normal(2, 2, 1, 1), **norm_constants(2)},
    )
    assert ops(run_passes(model, [FoldBatchNorm()], {"x": normal(1, 2, 4, 4)})) == ops(model)


def test_a_convolution_whose_result_is_an_output_keeps_its_norm():
    model = make_graph(
        [helper.make_node("Conv", ["x", "w"], ["c"]), norm_node("c", "y")],
        {"x": ["N", 2, 4, 4]},
        {"y": ["N", 2, 4, 4], "c": ["N", 2, 4, 4]},
        {"w": normal(2, 2, 1, 1), **norm_constants(2)},
    )
    assert ops(run_passes(model, [FoldBatchNorm()], {"x": normal(1, 2, 4, 4)})) == ops(model)


def test_a_norm_without_convolution_stays():
    model = make_graph(
        [helper.make_node("Relu", ["x"], ["r"]), norm_node("r", "y")],
        {"x": ["N", 2, 4, 4]},
        {"y": ["N", 2, 4, 4]},
        norm_constants(2),
    )
    assert ops(run_passes(model, [FoldBatchNorm()], {"x": normal(1, 2, 4, 4)})) == ops(model)


def test_tied_weights_of_another_convolution_are_left_alone():
    model = make_graph(
        [
            helper.make_node("Conv", ["x", "w", "b"], ["c"]),
            norm_node("c", "n"),
            helper.make_node("Conv", ["n", "w", "b"], ["y"]),
        ],
        {"x": ["N", 2, 4, 4]},
        {"y": ["N", 2, 4, 4]},
        {"w": normal(2, 2, 1, 1), "b": normal(2), **norm_constants(2)},
    )
    x = normal(1, 2, 4, 4, seed=9)
    folded = run_passes(model, [FoldBatchNorm()], {"x": x})
    assert ops(folded) == ["Conv", "Conv"]
    np.testing.assert_allclose(run(folded, x=x)["y"], run(model, x=x)["y"], rtol=1e-5, atol=1e-5)
