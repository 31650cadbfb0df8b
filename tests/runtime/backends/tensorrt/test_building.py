"""Real builds: what compiles, that it does so again, and that nothing takes this process down."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from edgekit_runtime.backends.tensorrt import building
from edgekit_runtime.backends.tensorrt.building import build_engine
from edgekit_runtime.backends.tensorrt.nvidia_library import TENSORRT_RTX
from edgekit_runtime.backends.tensorrt.profiles import Batches
from edgekit_runtime.bundle import TensorInfo
from edgekit_runtime.errors import ArtefactRefused, EdgekitError, IoFault, MissingDependency, UsageProblem
from tests.runtime.backends.tensorrt.small_graphs import (
    INPUT,
    SHAPE,
    WEIGHT,
    conv,
    convolution,
    make_graph,
    quantised,
)

pytest.importorskip("tensorrt_rtx", reason="compiling needs TensorRT-RTX (edgekit[tensorrt-rtx])")


def test_the_same_graph_gives_the_same_bytes():
    first, again = (build_engine(convolution(), [INPUT]) for _ in range(2))
    assert first.plan
    assert first.plan == again.plan
    assert first.targets == (86, 89, 120)
    assert first.version == TENSORRT_RTX.read_version()


def test_the_log_names_the_node_in_a_layer():
    (layer,) = [
        layer for layer in build_engine(convolution(), [INPUT]).log.layers if "conv" in layer.onnx_nodes
    ]
    assert layer.constants[0].shape == WEIGHT.shape
    assert [tensor.dtype for tensor in layer.inputs] == ["Float"]


def test_int8_between_dequantisers_is_compiled_as_int8():
    layers = build_engine(quantised(), [INPUT]).log.layers
    (layer,) = [layer for layer in layers if layer.kind == "correlation"]
    assert layer.inputs[0].dtype == "Int8"
    assert "conv" in layer.onnx_nodes


def test_several_targets_make_one_list_of_layers():
    alone = build_engine(convolution(), [INPUT], targets=[86])
    together = build_engine(convolution(), [INPUT], targets=[120, 86, 89])
    assert together.targets == (86, 89, 120)
    assert together.log == alone.log
    assert together.plan != alone.plan


def test_a_dynamic_batch_takes_a_profile():
    shape = ("N", *SHAPE[1:])
    graph = convolution(shape=shape, out_shape=shape)
    inputs = [replace(INPUT, shape=shape)]
    engine = build_engine(graph, inputs, batches=Batches(1, 2, 8))
    assert engine.batches == Batches(1, 2, 8)
    assert engine.log.outputs[0].shape == (-1, *SHAPE[1:])
    with pytest.raises(UsageProblem, match="dynamic") as caught:
        build_engine(graph, inputs)
    assert "smallest" in caught.value.remedy
    # A profile of other batches is another engine.
    assert build_engine(graph, inputs, batches=Batches(4, 4, 4)).plan != engine.plan


@pytest.mark.parametrize("opset", [TENSORRT_RTX.opsets[0], 13, 18, 19, TENSORRT_RTX.opsets[-1]])
def test_every_opset_that_is_said_to_be_known_compiles(opset):
    assert build_engine(convolution(opset=opset), [INPUT], targets=[86]).plan


REFUSED = {
    "QLinearConv": (
        make_graph(
            [
                helper.make_node(
                    "QLinearConv", ["x", "s", "z", "w", "s", "z", "s", "z"], ["y"], name="qc", pads=[1] * 4
                )
            ],
            {"s": np.float32(0.1), "z": np.int8(0), "w": np.ones(WEIGHT.shape, np.int8)},
            dtype=TensorProto.INT8,
        ),
        "int8",
        "no operator QLinearConv, which node 'qc'",
        "QuantizeLinear and DequantizeLinear",
    ),
    "ConvInteger": (
        make_graph(
            [helper.make_node("ConvInteger", ["x", "w"], ["y"], name="ci", pads=[1] * 4)],
            {"w": np.ones(WEIGHT.shape, np.int8)},
            dtype=TensorProto.INT8,
            out_dtype=TensorProto.INT32,
        ),
        "int8",
        "no operator ConvInteger, which node 'ci'",
        "QuantizeLinear and DequantizeLinear",
    ),
    "unknown operator": (
        make_graph([helper.make_node("Wobble", ["x"], ["y"], name="w1")]),
        "float32",
        "no operator Wobble, which node 'w1'",
        "without it",
    ),
    "fp16 input, fp32 kernel": (
        make_graph([conv()], {"w": WEIGHT}, dtype=TensorProto.FLOAT16),
        "float16",
        "node 'conv' (Conv) of the graph: its input and its weights are of different types",
        "--precision fp16",
    ),
    "channels that do not fit": (
        make_graph([conv()], {"w": WEIGHT[:, :3]}),
        "float32",
        "node 'conv' (Conv) of the graph: Assertion failed",
        "Change the network",
    ),
    "an input that nobody gives": (
        make_graph([helper.make_node("Relu", ["nobody"], ["y"], name="r")]),
        "float32",
        "node 'r' (Relu)",
        "Change the network",
    ),
    "a circle": (
        make_graph([helper.make_node("Add", ["x", "y"], ["z"]), helper.make_node("Relu", ["z"], ["y"])]),
        "float32",
        "does not take the graph",
        "Change the network",
    ),
    "another input than the manifest says": (
        make_graph([conv()], {"w": WEIGHT}),
        "float16",
        "it takes 'x' float32 (1, 4, 8, 8), and not 'x' float16 (1, 4, 8, 8)",
        "Export the bundle anew",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_compiled_is_refused_by_name(case):
    model, dtype, culprit, remedy = REFUSED[case]
    with pytest.raises(ArtefactRefused, match=re.escape(culprit)) as caught:
        build_engine(model.SerializeToString(), [TensorInfo("x", dtype, SHAPE)])
    assert remedy in caught.value.remedy
    assert caught.value.message.isprintable()
    assert caught.value.exit_code == 4


def test_what_a_target_lacks_is_refused_with_its_number_and_changes_no_later_build():
    gemm = helper.make_node("Gemm", ["x", "w"], ["y"], name="head")
    graph = make_graph(
        [gemm], {"w": np.ones((2048, 6), np.float32)}, shape=(1, 2048), out_shape=(1, 6)
    ).SerializeToString()
    inputs = [TensorInfo("x", "float32", (1, 2048))]
    before = build_engine(graph, inputs, targets=[80])
    with pytest.raises(ArtefactRefused, match=r"for SM 75, 86: .*'head'") as caught:
        build_engine(graph, inputs, targets=[86, 75])
    assert "/_src/" not in caught.value.message
    assert build_engine(graph, inputs, targets=[80]) == before


def test_a_graph_that_crashes_the_library_does_not_take_this_process_along():
    graph = convolution(shape=(1, 8))  # two dimensions: a segmentation fault of release 1.7.1
    with pytest.raises(ArtefactRefused) as caught:
        build_engine(graph, [TensorInfo("x", "float32", (1, 8))])
    assert "the graph" in caught.value.message


# The same damage every time: what a compiler of others does with new damage is no reason to hold up a change.
@settings(deadline=None, max_examples=12, derandomize=True)
@given(st.data())
def test_a_damaged_graph_is_compiled_or_refused_and_nothing_else(data):
    raw = bytearray(quantised())
    # What describes the graph, not its weights: those are in the middle.
    places = [*range(150), *range(len(raw) - 150, len(raw))]
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.sampled_from(places))] = data.draw(st.integers(0, 255))
    try:
        build_engine(bytes(raw), [INPUT], targets=[86])
    except ArtefactRefused as error:
        assert error.message.isprintable()


def test_a_process_that_dies_is_told_by_its_signal(monkeypatch):
    done = subprocess.CompletedProcess([], -11, b"", b"")
    monkeypatch.setattr(building.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(ArtefactRefused, match=r"crashed on stage 'main' \(SIGSEGV\)"):
        build_engine(convolution(), [INPUT], stage="stage 'main'")


def test_a_process_that_is_killed_blames_no_graph(monkeypatch):
    done = subprocess.CompletedProcess([], -9, b"", b"")
    monkeypatch.setattr(building.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(IoFault, match="was killed") as caught:
        build_engine(convolution(), [INPUT])
    assert "memory" in caught.value.remedy


def test_a_build_that_does_not_end_is_given_up(monkeypatch):
    monkeypatch.setattr(building, "LONGEST_BUILD_S", 0.001)
    with pytest.raises(ArtefactRefused, match="did not finish the graph"):
        build_engine(convolution(), [INPUT])


@pytest.mark.parametrize(
    ("done", "says"),
    [
        (
            subprocess.CompletedProcess([], 1, b"", b"Traceback\nKeyError: 'x'\n"),
            "process that compiles failed: KeyError",
        ),
        (subprocess.CompletedProcess([], 0, b"nothing", b""), "gave no answer"),
        (subprocess.CompletedProcess([], 0, b"{}\n", b""), "gave no answer"),
    ],
)
def test_a_process_that_gives_no_answer_is_a_defect(monkeypatch, done, says):
    monkeypatch.setattr(building.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(EdgekitError, match=says) as caught:
        build_engine(convolution(), [INPUT])
    assert caught.value.exit_code == 1


def test_nothing_in_the_working_directory_is_imported(tmp_path, monkeypatch):
    for name in ("tensorrt_rtx", "json", "edgekit_runtime", "onnx"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken over')")
    monkeypatch.chdir(tmp_path)
    assert build_engine(convolution(), [INPUT], targets=[86]).plan


def test_a_missing_library_names_its_extra():
    absent = replace(TENSORRT_RTX, module="tensorrt_of_nobody")
    with pytest.raises(MissingDependency) as caught:
        build_engine(convolution(), [INPUT], library=absent)
    assert caught.value.exit_code == 6
    assert "edgekit[tensorrt-rtx]" in caught.value.remedy
