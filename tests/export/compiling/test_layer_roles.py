"""What layers are there for, with names and nodes as TensorRT-RTX 1.7.1.116 gave them."""

from __future__ import annotations

import pytest

from edgekit_export.compiling.layer_roles import find_role
from edgekit_runtime.backends.tensorrt.build_log import EngineLayer

SEEN = [
    ("MoveReshConcResh", "kgen", ["Conv"], "padding"),
    ("Conc", "runtime_function", ["ConvTranspose"], "padding"),
    ("ReplConc", "kgen", ["Conv", "DequantizeLinear"], "padding"),
    ("TranReshMoveConc", "kgen", ["DepthToSpace", "Concat"], "reformat"),
    ("ReshConc", "kgen", ["Unsqueeze", "Concat"], "reformat"),
    ("Tran", "kgen", [], "reformat"),
    ("Move", "kgen", [], "reformat"),
    ("Cast", "kgen", ["Cast"], "cast"),
    ("CastResh", "kgen", ["Cast", "Unsqueeze"], "cast"),
    ("CastMulCast", "kgen", ["DequantizeLinear"], "requantise"),
    ("MulMinMaxRounCast", "kgen", ["QuantizeLinear"], "requantise"),
    ("MulMinMaxRounCastConc", "kgen", ["QuantizeLinear", "Concat"], "requantise"),
    ("MulMaxMulMinMaxRounCastConc", "kgen", ["LeakyRelu", "QuantizeLinear", "Concat"], "compute"),
    ("MulMax", "kgen", ["LeakyRelu"], "compute"),
    ("CastReshAdd", "kgen", ["Sub", "Unsqueeze", "Cast"], "compute"),
    ("ReshReshLtNotCast", "kgen", ["Not", "Cast", "Less", "Squeeze"], "compute"),
    ("CorrMulMax", "runtime_fusion", ["LeakyRelu", "Conv"], "compute"),
]


@pytest.mark.parametrize(("words", "kind", "operators", "role"), SEEN)
def test_generated_kernels_are_told_by_their_names(words, kind, operators, role):
    nodes = tuple(f"node{index}" for index in range(len(operators)))
    layer = EngineLayer(f"__myl_{words}_myl0_3", kind, (), (), (), nodes)
    assert find_role(layer, dict(zip(nodes, operators, strict=True))) == role


@pytest.mark.parametrize(
    ("name", "kind", "role"),
    [
        ("output.0.Conv_U7_myl0_2", "correlation", "compute"),
        ("__mye13815_myl0_5", "signal", "control"),
        ("entry^bb^wait^1_myl0_1", "wait", "control"),
        ("__mye899_0_myl0_0", "shape_call", "control"),
        ("__mye12930_pooling_myl0_4", "maxpool", "compute"),
        ("a name of another release", "kgen", "compute"),
    ],
)
def test_other_layers_are_told_by_their_kind(name, kind, role):
    assert find_role(EngineLayer(name, kind, (), (), (), ()), {}) == role
