from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from edgekit_export import tracing
from edgekit_export.macs import count_macs
from tests.export.graphs import make_graph, normal


def test_the_rule_written_out(built_segmenter):
    area = 32 * 48
    first = 4 * area * 9
    down = 4 * (area // 4) * 9
    up = 4 * (area // 4) * 9 * (4 // 2)  # counted on the input: four channels, each to the two of its group
    last = area * 8
    assert count_macs(built_segmenter.traced[0]) == first + down + up + last


def test_linear_layers_and_stages(built_classifier):
    first, second = (count_macs(model) for model in built_classifier.traced)
    assert first == 4 * 16 * 24 * 9 + 4 * 3
    assert second == 8 * 8 * 12 * 9 * 4 + 8 * 3


def test_a_fixed_batch_counts_one_row(segmenter, built_segmenter):
    (fixed,) = tracing.trace_stages(segmenter, size=(32, 48), batch=3)
    assert count_macs(fixed) == count_macs(built_segmenter.traced[0])


@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm(transposed):
    model = make_graph(
        [helper.make_node("Gemm", ["x", "w"], ["y"], transB=transposed)],
        {"x": ["N", 5]},
        {"y": ["N", 7]},
        {"w": normal(7, 5) if transposed else normal(5, 7)},
    )
    assert count_macs(model) == 35


def test_a_matrix_product_over_positions():
    model = make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        {"x": ["N", 11, 5]},
        {"y": ["N", 11, 7]},
        {"w": normal(5, 7)},
    )
    assert count_macs(model) == 11 * 35


def test_everything_else_is_free():
    model = make_graph(
        [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Add", ["r", "c"], ["y"])],
        {"x": ["N", 3]},
        {"y": ["N", 3]},
        {"c": np.ones(3, np.float32)},
    )
    assert count_macs(model) == 0
