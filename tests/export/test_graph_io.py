from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from edgekit_export.graph_io import (
    IR_VERSIONS,
    count_weight_bytes,
    expose_value,
    find_opset,
    from_bytes,
    infer_shapes,
    shape_of,
    to_bytes,
)
from tests.export.graphs import make_graph, normal, run


@pytest.fixture
def model():
    return make_graph(
        [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Add", ["r", "c"], ["y"])],
        {"x": ["N", 3]},
        {"y": ["N", 3]},
        {"c": normal(3)},
    )


def test_bytes_survive_a_round_trip(model):
    assert to_bytes(from_bytes(to_bytes(model))) == to_bytes(model)


def test_notes_are_left_out(model):
    model = infer_shapes(model)
    plain = to_bytes(model)
    model.doc_string = "made on 1 January"
    model.metadata_props["host"] = "here"
    model.producer_version = "9"
    model.graph.doc_string = "secret"
    for node in model.graph:
        node.metadata_props["file"] = "/home/someone"
        node.outputs[0].metadata_props["line"] = "3"
    model.graph.inputs[0].doc_string = "secret"
    model.graph.initializers["c"].metadata_props["file"] = "/home/someone"
    assert to_bytes(model) == plain
    assert onnx.ModelProto.FromString(plain).ir_version == IR_VERSIONS[find_opset(plain)]


def test_shapes_are_inferred_anew(model):
    inferred = infer_shapes(model)
    relu = next(iter(inferred.graph))
    assert shape_of(relu.outputs[0]) == ("N", 3)
    relu.outputs[0].shape = None
    relu.outputs[0].type = None
    assert shape_of(next(iter(infer_shapes(inferred).graph)).outputs[0]) == ("N", 3)


def test_an_inner_value_can_be_exposed(model):
    exposed = from_bytes(expose_value(to_bytes(infer_shapes(model)), "r"))
    x = np.array([[-1, 0, 2]], np.float32)
    assert list(run(exposed, x=x)) == ["y", "r"]
    assert run(exposed, x=x)["r"].tolist() == [[0, 0, 2]]


def test_exposing_an_output_changes_nothing(model):
    data = to_bytes(model)
    assert expose_value(data, "y") == data


def test_weight_bytes(model):
    assert count_weight_bytes(model) == 12
