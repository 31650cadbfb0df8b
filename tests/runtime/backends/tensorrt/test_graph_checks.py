"""What the parser would misread: refused before it sees the graph. No library is needed."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from edgekit_runtime.backends.tensorrt.graph_checks import check_graph
from edgekit_runtime.backends.tensorrt.graph_reading import read_graph
from edgekit_runtime.backends.tensorrt.nvidia_library import TENSORRT_RTX
from edgekit_runtime.errors import ArtefactRefused
from tests.runtime.backends.tensorrt.small_graphs import SHAPE, conv, convolution, make_graph, quantised


def _external() -> bytes:
    model = onnx.ModelProto.FromString(convolution())
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    return bytes(model.SerializeToString())


def _constant_zero_point(value: int) -> bytes:
    """The zero point as a node instead of an initialiser."""
    model = onnx.ModelProto.FromString(quantised())
    (index,) = [index for index, item in enumerate(model.graph.initializer) if item.name == "z"]
    del model.graph.initializer[index]
    zero = numpy_helper.from_array(np.array(value, np.int8))
    model.graph.node.insert(0, helper.make_node("Constant", [], ["z"], value=zero))
    return bytes(model.SerializeToString())


def _int32_data(value: int) -> bytes:
    """The zero point as a list of numbers instead of bytes."""
    model = onnx.ModelProto.FromString(quantised())
    for tensor in model.graph.initializer:
        if tensor.name == "z":
            tensor.CopyFrom(helper.make_tensor("z", onnx.TensorProto.INT8, [], [value]))
            assert not tensor.raw_data
    return bytes(model.SerializeToString())


def _uint8_weights() -> bytes:
    constants = {"s": np.float32(0.1), "wq": np.ones((4, 4, 3, 3), np.uint8)}
    nodes = [
        helper.make_node("DequantizeLinear", ["wq", "s"], ["w"], name="weight.dequantise"),
        conv(),
    ]
    return bytes(make_graph(nodes, constants).SerializeToString())


def _named(name: str) -> bytes:
    model = onnx.ModelProto.FromString(convolution())
    model.graph.node[0].name = name
    return bytes(model.SerializeToString())


REFUSED = {
    "a name with a line's end": (_named("conv\nName: x"), "holds the name 'conv\\nName: x'"),
    "a name with a separator": (_named("a]\x1f[ONNX Layer: b"), "control characters"),
    "a name with a brace": (_named("a } b"), "holds the name 'a } b'"),
    "a name that is no text": (_named("conv").replace(b"conv", b"\xffonv"), "no ONNX file"),
    "nothing": (b"", "no ONNX file"),
    "text": (b"hello world", "no ONNX file"),
    "zeros": (bytes(64), "no ONNX file"),
    "cut": (convolution()[:-40], "no ONNX file"),
    "an empty model": (onnx.ModelProto(ir_version=8).SerializeToString(), "no node, or no opset"),
    "weights elsewhere": (_external(), "weights from outside"),
    "an old opset": (convolution(opset=8), "opset 8; TensorRT-RTX knows 9 to 25"),
    "an opset to come": (convolution(opset=99), "opset 99; TensorRT-RTX knows 9 to 25"),
    "a zero point of 3": (quantised(np.array(3, np.int8)), "'quantise' (QuantizeLinear) has a zero point"),
    "a zero point of a node": (_constant_zero_point(3), "'quantise' (QuantizeLinear) has a zero point"),
    "a zero point of numbers": (_int32_data(-3), "'quantise' (QuantizeLinear) has a zero point"),
    "an unsigned zero point of 0": (
        quantised(np.array(0, np.uint8)),
        "'quantise' (QuantizeLinear) works in uint8",
    ),
    "an unsigned zero point of 128": (
        quantised(np.array(128, np.uint8)),
        "'quantise' (QuantizeLinear) works in uint8",
    ),
    "no zero point, which is uint8": (quantised(None), "'quantise' (QuantizeLinear) works in uint8"),
    "unsigned weights": (_uint8_weights(), "'weight.dequantise' (DequantizeLinear) works in uint8"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_by_name(case):
    data, culprit = REFUSED[case]
    with pytest.raises(ArtefactRefused) as caught:
        check_graph(data, TENSORRT_RTX)
    assert culprit in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.remedy


@pytest.mark.parametrize("graph", [convolution(), quantised(), _constant_zero_point(0), _int32_data(0)])
def test_a_good_graph_passes(graph):
    check_graph(graph, TENSORRT_RTX)


def test_a_node_without_a_name_is_called_by_its_output():
    model = onnx.ModelProto.FromString(quantised(np.array(3, np.int8)))
    model.graph.node[0].name = ""
    with pytest.raises(ArtefactRefused, match="'xq'"):
        check_graph(model.SerializeToString(), TENSORRT_RTX)


def test_the_reader_finds_what_onnx_finds():
    data = quantised(opset=19)
    model, graph = onnx.ModelProto.FromString(data), read_graph(data)
    assert graph.opset == model.opset_import[0].version
    assert [(node.name, node.operator, node.inputs, node.outputs) for node in graph.nodes] == [
        (node.name, node.op_type, list(node.input), list(node.output)) for node in model.graph.node
    ]
    assert {name: (constant.data_type, constant.is_zero) for name, constant in graph.constants.items()} == {
        tensor.name: (tensor.data_type, not numpy_helper.to_array(tensor).any())
        for tensor in model.graph.initializer
    }


@settings(deadline=None)
@given(st.data())
def test_a_damaged_graph_is_read_or_refused_and_nothing_else(data):
    raw = bytearray(quantised())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        check_graph(bytes(raw), TENSORRT_RTX)
    except ArtefactRefused as error:
        assert error.message.isprintable()


def test_the_shape_of_the_small_graphs_is_what_they_say():
    onnx.checker.check_model(onnx.ModelProto.FromString(quantised()), full_check=True)
    assert SHAPE == (1, 4, 8, 8)
