"""The rule of what TensorRT-RTX gives: proven by compiling, and what a graph asks for."""

from __future__ import annotations

import onnx
import pytest

from edgekit_export.compiling import compile_stages
from edgekit_export.compiling.lowering_rule import AskedNode, is_expected, is_lost, list_asked
from edgekit_runtime.backends.tensorrt.profiles import Batches
from edgekit_runtime.errors import ArtefactRefused
from tests.export.compiling.single_nodes import Trial, write_trial

COMMON = (
    Trial("Conv", 1, 2, 3),
    Trial("Conv", 64, 1),
    Trial("Conv", 5, 7, 3),
    Trial("Conv", 32, 32, 3, group=32, stride=2),
    Trial("Conv", 16, 16, 3, side=1),
    Trial("ConvTranspose", 64, 32, 3, group=32, stride=2),
    Trial("ConvTranspose", 8, 8, 2, stride=2),
    Trial("Gemm", 512, 5),
    Trial("MatMul", 64, 64),
)
RARE = (
    Trial("Conv", 1, 32),
    Trial("Conv", 3, 8, 3),
    Trial("Conv", 3, 64, 7, stride=2, side=64),
    Trial("Conv", 17, 33, 3),
    Trial("Conv", 64, 64, 3),
    Trial("Conv", 128, 256),
    Trial("Conv", 2, 2, 3, group=2),
    Trial("Conv", 3, 3, 3, group=3, stride=2),
    Trial("Conv", 33, 33, 3, group=33),
    Trial("Conv", 16, 32, 3, group=4),
    Trial("Conv", 12, 12, 3, group=4),
    Trial("Conv", 64, 32, 3, group=32),
    Trial("Conv", 2, 4, 3, group=2),
    Trial("Conv", 16, 16, 5),
    Trial("Conv", 16, 16, 2, stride=2),
    Trial("Conv", 16, 16, 3, dilation=2),
    Trial("Conv", 16, 16, 7, group=16),
    Trial("Conv", 16, 16, 3, stride=2, side=33),
    Trial("Conv", 16, 16, 3, group=16, side=3),
    Trial("Conv", 16, 16, side=1),
    Trial("ConvTranspose", 1, 1, 3, stride=2),
    Trial("ConvTranspose", 8, 8, 3, group=8, stride=2),
    Trial("ConvTranspose", 32, 16, 3, stride=2),
    Trial("Gemm", 2048, 6),
    Trial("Gemm", 3, 2),
    Trial("Gemm", 1024, 1000),
    Trial("MatMul", 17, 5),
    Trial("MatMul", 512, 1),
)
ALL = (86, 89, 120)


def prove(trial, level, targets, batch=1):
    """The node gets what the rule says: what it asks for, or a float where that is not to be expected."""
    pytest.importorskip("tensorrt_rtx", reason="compiling needs TensorRT-RTX (edgekit[tensorrt-rtx])")
    stage = write_trial(trial, level, batch)
    (asked,) = list_asked(onnx.ModelProto.FromString(stage[1]))
    batches = Batches(1, 2, 8) if batch == "N" else None
    (compiled,) = compile_stages([stage], targets=targets, batches=batches)
    (found,) = compiled.report.precisions
    assert found.asked == asked.asked == level
    assert found.achieved == (level if is_expected(asked, targets) else "fp32")
    assert not compiled.report.faults


@pytest.mark.parametrize("level", ["fp16", "int8"])
@pytest.mark.parametrize("trial", COMMON, ids=str)
def test_the_rule_holds_for_the_nodes_of_our_networks(trial, level):
    prove(trial, level, ALL)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, "N"])
@pytest.mark.parametrize("level", ["fp16", "int8"])
@pytest.mark.parametrize("trial", RARE, ids=str)
def test_the_rule_holds_for_other_shapes(trial, level, batch):
    prove(trial, level, ALL, batch)


@pytest.mark.slow
@pytest.mark.parametrize("target", [75, 80, 121])
@pytest.mark.parametrize("level", ["fp16", "int8"])
@pytest.mark.parametrize("trial", COMMON, ids=str)
def test_the_rule_holds_on_other_targets(trial, level, target):
    if trial.is_product and level == "int8" and target == 75:
        with pytest.raises(ArtefactRefused, match="SM 75"):
            prove(trial, level, [target])
    else:
        prove(trial, level, [target])


@pytest.mark.parametrize(
    ("node", "targets", "expected"),
    [
        (AskedNode("n", "Conv", "int8"), (86, 120), True),
        (AskedNode("n", "Conv", "int8"), (75, 86), False),
        (AskedNode("n", "ConvTranspose", "int8"), (86,), False),
        (AskedNode("n", "ConvTranspose", "fp16"), (75,), True),
        (AskedNode("n", "Gemm", "fp32"), (75,), True),
    ],
)
def test_what_may_be_expected(node, targets, expected):
    assert is_expected(node, targets) is expected


@pytest.mark.parametrize(
    ("achieved", "asked", "lost"),
    [
        ("int8", "int8", False),
        ("fp16", "int8", True),
        ("fp32", "fp16", True),
        ("fp16", "fp32", False),
        (None, "fp32", True),
    ],
)
def test_a_higher_precision_or_none_is_a_loss(achieved, asked, lost):
    assert is_lost(achieved, asked) is lost


def test_int8_weights_alone_ask_for_nothing():
    model = onnx.ModelProto.FromString(write_trial(COMMON[0], "int8")[1])
    (node,) = [node for node in model.graph.node if node.name == "node"]
    node.input[0] = "data"
    assert [asked.asked for asked in list_asked(model)] == ["fp32"]
