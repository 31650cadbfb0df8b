import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgekit_runtime.backends.onnx_wire import _CHILDREN, has_external_data
from tests.runtime.onnx_graphs import classify_bundle, make_model, segmenter, tensor


def _external(name="w"):
    weight = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1])
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    return weight


def _wrap(**fields):
    return onnx.ModelProto(**fields).SerializeToString()


def _node(**attribute):
    return onnx.NodeProto(op_type="Constant", attribute=[onnx.AttributeProto(name="a", **attribute)])


def _sparse(weight):
    return onnx.SparseTensorProto(values=weight, dims=[1])


@pytest.mark.parametrize(
    "content",
    [
        _wrap(graph=onnx.GraphProto(initializer=[_external()])),
        _wrap(graph=onnx.GraphProto(sparse_initializer=[_sparse(_external())])),
        _wrap(graph=onnx.GraphProto(sparse_initializer=[onnx.SparseTensorProto(indices=_external())])),
        _wrap(graph=onnx.GraphProto(node=[_node(t=_external())])),
        _wrap(graph=onnx.GraphProto(node=[_node(tensors=[TensorProto(), _external()])])),
        _wrap(graph=onnx.GraphProto(node=[_node(sparse_tensor=_sparse(_external()))])),
        _wrap(graph=onnx.GraphProto(node=[_node(sparse_tensors=[_sparse(_external())])])),
        _wrap(graph=onnx.GraphProto(node=[_node(g=onnx.GraphProto(initializer=[_external()]))])),
        _wrap(graph=onnx.GraphProto(node=[_node(graphs=[onnx.GraphProto(node=[_node(t=_external())])])])),
        _wrap(functions=[onnx.FunctionProto(node=[_node(t=_external())])]),
        _wrap(functions=[onnx.FunctionProto(attribute_proto=[onnx.AttributeProto(t=_external())])]),
        _wrap(training_info=[onnx.TrainingInfoProto(algorithm=onnx.GraphProto(initializer=[_external()]))]),
        # Readers merge a message that comes twice.
        _wrap(graph=onnx.GraphProto(name="g")) + _wrap(graph=onnx.GraphProto(initializer=[_external()])),
    ],
)
def test_finds_external_data_wherever_a_tensor_may_lie(content):
    assert has_external_data(content)


def test_the_table_holds_every_way_from_a_model_to_a_tensor():
    """Were a field missing here, a graph could hide a tensor from the walk."""

    def leads_to_tensor(message, seen):
        if message.name == "TensorProto":
            return True
        return message.name not in seen and any(
            leads_to_tensor(field.message_type, {*seen, message.name})
            for field in message.fields
            if field.message_type is not None
        )

    pending, expected = [onnx.ModelProto.DESCRIPTOR], {}
    while pending:
        message = pending.pop()
        if message.name in expected:
            continue
        expected[message.name] = {}
        if message.name == "TensorProto":
            continue
        for field in message.fields:
            if field.message_type is not None and leads_to_tensor(field.message_type, set()):
                expected[message.name][field.number] = field.message_type.name
                pending.append(field.message_type)
    # Messages without tensors, such as TypeProto, are in neither.
    assert expected == _CHILDREN
    numbers = {field.name: field.number for field in TensorProto.DESCRIPTOR.fields}
    assert (numbers["external_data"], numbers["data_location"]) == (13, 14)


def test_passes_graphs_that_hold_their_weights(tmp_path):
    assert not has_external_data(segmenter(8, 8).SerializeToString())
    bundle = classify_bundle(tmp_path / "classify.edgekit")
    assert not any(has_external_data(bundle.read(stage.file)) for stage in bundle.manifest.stages)
    explicit = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], float_data=[1.0])
    explicit.data_location = TensorProto.DEFAULT
    assert not has_external_data(_wrap(graph=onnx.GraphProto(initializer=[explicit])))


@pytest.mark.parametrize("value", [1, 2, 1 << 32 | 1])
def test_any_other_location_counts_however_it_is_written(value):
    """Protobuf keeps the low 32 bits of an enumeration: 2**32 + 1 is read as 1."""
    number = bytearray()
    while value >= 0x80:
        number.append(value & 0x7F | 0x80)
        value >>= 7
    number.append(value)
    content = bytes([14 << 3]) + bytes(number)
    for field in (5, 7):
        content = bytes([field << 3 | 2, len(content)]) + content
    assert has_external_data(content)


@pytest.mark.parametrize(
    "content",
    [
        b"a placeholder, not a graph",
        b"\x3a\xff",
        b"\x3a\x05\x00",
        b"\x08",
        b"\x00\x00",
        b"\x08" + b"\xff" * 11,
        b"\x0b\x0c",
        b"\xf8\xff\xff\xff\xff\x01\x00",
        b"\x0d\x00\x00",
        segmenter(8, 8).SerializeToString()[:-1],
    ],
)
def test_refuses_what_is_no_message(content):
    with pytest.raises(ValueError, match=r"\w"):
        has_external_data(content)


def test_large_weights_are_skipped_not_read():
    weight = {"w": np.zeros(3_000_000, np.float32)}
    node = helper.make_node("Gather", ["w", "i"], ["y"])
    graph = make_model(
        [node], [tensor("i", TensorProto.INT64, ("N",))], [tensor("y", TensorProto.FLOAT, ("N",))], weight
    )
    assert not has_external_data(graph.SerializeToString())
