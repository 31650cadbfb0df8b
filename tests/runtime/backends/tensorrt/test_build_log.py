"""The log of a build: every line is understood, or named."""

from __future__ import annotations

import pytest

from edgekit_runtime.backends.tensorrt.build_log import EngineTensor, parse_build_log
from edgekit_runtime.errors import EdgekitError

# As TensorRT-RTX 1.7.1.116 writes them; the separator of the metadata is U+001F.
QUANTISED = (
    "Name: conv_U7_myl0_2, LayerType: correlation, Inputs: [ { Name: a.q, Dimensions: [-1,4,224,224], "
    "Strides: [200704,1,896,4], StrideOrder: [3,0,2,1], Datatype: Int8, Format: (NHWC) Channel major format }], "
    "Constants: [ { Name: w, Dimensions: [24,4,3,3], Strides: [36,1,12,4], StrideOrder: [3,0,2,1], Datatype: Int8, "
    "Format: (NHWC) Channel major format }, { Name: s, Dimensions: [], Strides: [], StrideOrder: [], "
    "Datatype: Float, Format: (Linear) Row major linear format }], Outputs: [ { Name: y, Dimensions: [-1,24,112,112], "
    "Strides: [301056,1,2688,24], StrideOrder: [3,0,2,1], Datatype: Float, Format: (NHWC) Channel major format }], "
    "TacticName: __myelin_CASK_STUB, StreamId: 0, Metadata: [ONNX Layer: conv]\x1f[ONNX Layer: a[0].dequantise]"
)
SIGNAL = (
    "Name: __mye13815_myl0_5, LayerType: signal, Inputs: [], Constants: [], Outputs: [], TacticName: , "
    "StreamId: 0, EventId: 1, Metadata: "
)
BINDINGS = (
    " Name: frame, IOMode: Input, DataType: UInt8, Dimensions: [-1,8,8], Location: Device, "
    "IsShapeInferenceIO: false, ProfileInfo: [ { MinShape: [1,8,8], OptShape: [1,8,8], MaxShape: [8,8,8], "
    "Format: Row major linear UINT8 format (kLINEAR) }]",
    " Name: threshold, IOMode: Input, DataType: Float, Dimensions: [], Location: Device, ProfileInfo: [ {}]",
    " Name: mask, IOMode: Output, DataType: UInt8, Dimensions: [-1,8,8], Location: Device, ProfileInfo: [ {}]",
)


def write_log(*layers: str, bindings: tuple[str, ...] = BINDINGS) -> str:
    return "\n".join(
        ["Layers:", *layers, "", "I/O Tensors:", *bindings, "", "Engine Metadata:", " Multi-Device: Disabled"]
    )


def test_layers_and_tensors_are_read():
    log = parse_build_log([write_log(QUANTISED, SIGNAL)])
    layer, signal = log.layers
    assert (layer.name, layer.kind) == ("conv_U7_myl0_2", "correlation")
    assert layer.inputs == (EngineTensor("a.q", "Int8", (-1, 4, 224, 224)),)
    assert layer.constants == (
        EngineTensor("w", "Int8", (24, 4, 3, 3)),
        EngineTensor("s", "Float", ()),
    )
    assert layer.outputs == (EngineTensor("y", "Float", (-1, 24, 112, 112)),)
    assert layer.onnx_nodes == ("conv", "a[0].dequantise")
    assert (signal.kind, signal.inputs, signal.onnx_nodes) == ("signal", (), ())
    assert [tensor.name for tensor in log.inputs] == ["frame", "threshold"]
    assert log.outputs == (EngineTensor("mask", "UInt8", (-1, 8, 8)),)


@pytest.mark.parametrize(
    "line",
    [
        "Name: conv, LayerType: correlation",
        "a line of another release",
        QUANTISED.replace("Datatype: Int8", "Type: Int8"),
        QUANTISED.replace("[24,4,3,3]", "[24,many,3,3]"),
        QUANTISED.replace("[ONNX Layer: conv]", "[Torch Layer: conv]"),
    ],
)
def test_a_line_that_is_not_understood_is_named(line):
    with pytest.raises(EdgekitError, match="cannot be read") as caught:
        parse_build_log([write_log(QUANTISED, line)])
    assert "edgekit's constraints" in caught.value.remedy


def test_a_binding_that_is_not_understood_is_named():
    with pytest.raises(EdgekitError, match="Name: frame, Mode: In"):
        parse_build_log([write_log(QUANTISED, bindings=(" Name: frame, Mode: In",))])


@pytest.mark.parametrize("lists", [[], [write_log(QUANTISED)] * 2])
def test_other_than_one_list_is_refused(lists):
    with pytest.raises(EdgekitError, match=f"holds {len(lists)} lists"):
        parse_build_log(lists)


@pytest.mark.parametrize("part", ["Layers:", "I/O Tensors:", "Engine Metadata:"])
def test_a_list_without_one_of_its_parts_is_refused(part):
    with pytest.raises(EdgekitError, match="lacks one of"):
        parse_build_log([write_log(QUANTISED).replace(part, "Something else:")])
