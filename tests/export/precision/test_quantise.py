from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from onnx import helper
from onnx_ir.passes import PreconditionError
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from edgekit_export.execution import GraphRunner
from edgekit_export.graph_io import infer_shapes, to_bytes
from edgekit_export.passes import editing
from edgekit_export.passes.driver import run_passes
from edgekit_export.passes.subpixel import Subpixel
from edgekit_export.precision import quantise as module
from edgekit_export.precision.quantise import Quantise
from edgekit_export.precision.ranges import collect_ranges
from edgekit_export.precision.simulation import Simulation
from edgekit_runtime.errors import GateFailed, UsageProblem
from tests.export.graphs import make_graph, normal, ops

X = normal(2, 4, 6, 5, seed=9)
RANGES = {"x": 2.0, "a": 3.0, "r": 2.5, "b": 3.0, "sum": 4.0}
LAYERS = {"Conv.a", "Conv.b", "Conv.y"}


def residual(**replaced: np.ndarray) -> ir.Model:
    """a = Conv x, r = Relu a, b = Conv r, sum = b + r, y = Conv sum; the weights of b and y are tied."""
    nodes = [
        helper.make_node("Conv", ["x", "wa", "bias"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Conv", ["r", "w"], ["b"], group=2),
        helper.make_node("Add", ["b", "r"], ["sum"]),
        helper.make_node("Conv", ["sum", "w"], ["y"], group=2),
    ]
    constants = {
        "wa": normal(4, 4, 3, 3),
        "w": normal(4, 2, 1, 1, seed=1),
        "bias": normal(4, seed=2),
        **replaced,
    }
    return infer_shapes(make_graph(nodes, {"x": ["N", 4, 6, 5]}, {"y": ["N", 4, 6, 5]}, constants))


def quantised(layers=LAYERS, model=None) -> ir.Model:
    return run_passes(model or residual(), [Quantise(RANGES, layers)], {"x": X})


def node_of(model: ir.Model, name: str) -> ir.Node:
    return next(node for node in model.graph if node.name == name)


def names_at(model: ir.Model, name: str) -> list[str]:
    return [str(value.name) for value in node_of(model, name).inputs]


def test_one_pair_for_each_tensor_shared_by_its_users():
    model = quantised()
    assert ops(model).count("QuantizeLinear") == 3
    assert names_at(model, "Conv.a") == ["x.dequantise", "wa.dequantise", "bias"]
    assert names_at(model, "Conv.b") == ["r.dequantise", "w.dequantise"]
    assert names_at(model, "Add.sum") == ["b", "r.dequantise"]
    assert names_at(model, "Conv.y") == ["sum.dequantise", "w.dequantise"]
    assert names_at(model, "Relu.r") == ["a"]


def test_what_is_not_chosen_reads_floats():
    model = quantised({"Conv.y"})
    assert names_at(model, "Conv.b") == ["r", "w"]
    assert names_at(model, "Conv.y") == ["sum.dequantise", "w.dequantise"]
    assert names_at(model, "Add.sum") == ["b", "r"]
    assert {"w", "w.int8"} <= set(model.graph.initializers)


def test_only_the_chosen_layers_need_ranges():
    lowered = run_passes(residual(), [Quantise({"sum": RANGES["sum"]}, {"Conv.y"})], {"x": X})
    assert to_bytes(lowered) == to_bytes(quantised({"Conv.y"}))


def test_no_layer_changes_nothing():
    assert to_bytes(quantised(frozenset())) == to_bytes(residual())


def test_weights_are_stored_in_int8_once():
    initialisers = quantised().graph.initializers
    assert {"wa", "w"} & set(initialisers) == set()
    assert {name for name in initialisers if name.endswith(".int8")} == {"wa.int8", "w.int8"}
    assert initialisers["wa.int8"].const_value.nbytes * 4 == normal(4, 4, 3, 3).nbytes
    assert initialisers["bias"].dtype == ir.DataType.FLOAT


def test_every_zero_point_is_an_explicit_int8_zero_and_data_have_one_scale():
    model = quantised()
    for node in model.graph:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            scale, zero = (editing.read_constant(value) for value in node.inputs[1:])
            assert zero.dtype == np.int8
            assert not zero.any()
            assert scale.shape == zero.shape
            assert scale.shape == ((4,) if node.name.startswith("w") else ())


def test_it_computes_what_the_simulation_says_to_the_bit():
    found = GraphRunner(to_bytes(quantised()), optimise=False).run({"x": X})["y"]
    wanted = Simulation(residual(), RANGES).run({"x": X}, LAYERS)["y"]
    np.testing.assert_array_equal(found, wanted)


def test_with_its_answers_in_int8_onnxruntime_has_a_kernel_for_it():
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Conv", ["r", "v"], ["y"]),
    ]
    constants = {"w": normal(4, 4, 1, 1), "v": normal(4, 4, 1, 1, seed=1)}
    model = infer_shapes(make_graph(nodes, {"x": ["N", 4, 6, 5]}, {"y": ["N", 4, 6, 5]}, constants))
    kernels = {}
    for answers in (False, True):
        lowered = run_passes(model, [Quantise(RANGES, {"Conv.a", "Conv.y"}, answers=answers)], {"x": X})
        kernels[answers] = optimised_ops(to_bytes(lowered))
    assert kernels[False].count("QLinearConv") == 0
    assert kernels[True].count("QLinearConv") == 1  # nothing follows the last one


def optimised_ops(data: bytes) -> list[str]:
    """Return the operators that ONNX Runtime makes of a graph."""
    options = onnxruntime.SessionOptions()
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
        options.log_severity_level = 3
        onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        return [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]


def test_twice_in_any_order_the_same_bytes():
    assert to_bytes(quantised(sorted(LAYERS))) == to_bytes(quantised(sorted(LAYERS, reverse=True)))


def test_names_that_are_taken_are_left_alone():
    model = residual()
    model.graph.initializers["bias"].name = "x.scale"
    assert "x.scale_1" in quantised(model=infer_shapes(model)).graph.initializers


@pytest.mark.parametrize("transposed", [0, 1])
def test_matrix_products(transposed):
    weights = normal(7, 5) if transposed else normal(5, 7)
    nodes = [
        helper.make_node("Gemm", ["x", "w", "bias"], ["h"], transB=transposed),
        helper.make_node("MatMul", ["h", "v"], ["y"]),
    ]
    constants = {"w": weights, "bias": normal(7, seed=1), "v": normal(7, 3, seed=2)}
    model = infer_shapes(make_graph(nodes, {"x": ["N", 5]}, {"y": ["N", 3]}, constants))
    passes = [Quantise({"x": 2.0, "h": 6.0}, {"Gemm.h", "MatMul.y"})]
    lowered = run_passes(model, passes, {"x": normal(4, 5, seed=3)})
    assert lowered.graph.initializers["w.scale"].shape.numpy() == (7,)
    assert lowered.graph.initializers["v.scale"].shape.numpy() == (3,)


def test_a_stage_that_takes_what_another_carries(classifying, grey_frames):
    ranges = collect_ranges(classifying, grey_frames, method="percentile")
    feeds = GraphRunner(to_bytes(classifying[0]), optimise=False).run({"frame": grey_frames})
    lowered = run_passes(classifying[1], [Quantise(ranges[1], {"trunk.0.Conv"})], feeds)
    assert names_at(lowered, "trunk.0.Conv")[0] == "features.dequantise"
    assert [value.name for value in lowered.graph.inputs] == ["features"]


def test_transposed_convolutions_once_they_are_ordinary(segmenting, grey_frames):
    feeds = {"frame": grey_frames}
    model = run_passes(segmenting[0], [Subpixel()], feeds)
    (ranges,) = collect_ranges([model], grey_frames, method="percentile")
    layers = {node.name for node in model.graph if node.op_type == "Conv"}
    assert len(layers) == 4
    assert ops(run_passes(model, [Quantise(ranges, layers)], feeds)).count("QuantizeLinear") == 4


def test_scales_and_codes_are_those_of_another_quantiser():
    ours = quantised()
    theirs = quantise_by_onnxruntime(residual())
    for name in ("x", "r", "sum"):
        node = next(
            node for node in theirs.node if node.op_type == "QuantizeLinear" and node.input[0] == name
        )
        constants = {item.name: onnx.numpy_helper.to_array(item) for item in theirs.initializer}
        scale = editing.read_constant(node_of(ours, f"{name}.quantise").inputs[1])
        np.testing.assert_allclose(scale, constants[node.input[1]], rtol=1e-6)
        assert constants[node.input[2]].dtype == np.int8
    for name in ("wa", "w"):
        codes = editing.read_constant(ours.graph.initializers[f"{name}.int8"])
        np.testing.assert_array_equal(codes, constants[f"{name}_quantized"])
    assert {item.name for item in theirs.node if item.op_type == "Conv"} == LAYERS


def quantise_by_onnxruntime(model: ir.Model) -> onnx.GraphProto:
    ranges = {
        name: TensorData(lowest=np.float32(-largest), highest=np.float32(largest))
        for name, largest in RANGES.items()
    }
    settings = {"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False}
    quantiser = QDQQuantizer(
        ir.to_proto(model),
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, ranges),
        nodes_to_quantize=[],
        nodes_to_exclude=[],
        op_types_to_quantize=["Conv"],
        extra_options={**settings, "OpTypesToExcludeOutputQuantization": ["Conv"]},
    )
    return quantiser.quantize_model().graph


@pytest.mark.parametrize(
    ("ranges", "layers", "reason"),
    [
        (RANGES, {"Conv.z"}, "no convolution or matrix product 'Conv.z'"),
        ({"x": 1.0}, {"Conv.a", "Conv.b"}, "no range was measured for r"),
    ],
)
def test_what_it_cannot_do_is_refused(ranges, layers, reason):
    with pytest.raises(UsageProblem, match=reason):
        run_passes(residual(), [Quantise(ranges, layers)], {"x": X})


def test_a_layer_with_an_obstacle_is_refused(segmenting, grey_frames):
    with pytest.raises(UsageProblem, match="'subpixel' makes it"):
        run_passes(segmenting[0], [Quantise({}, {"up.0.ConvTranspose"})], {"frame": grey_frames})


def test_a_graph_that_is_quantised_already_is_refused():
    with pytest.raises(UsageProblem, match="already"):
        run_passes(quantised({"Conv.y"}), [Quantise(RANGES, {"Conv.a"})], {"x": X})


def test_an_old_opset_is_refused():
    model = residual()
    model.graph.opset_imports[""] = 12
    with pytest.raises(PreconditionError, match="opset 12"):
        Quantise(RANGES, LAYERS).requires(model)


class Spoiled(Quantise):
    """Does all of it, and then undoes a part."""

    def __init__(self, spoil):
        super().__init__(RANGES, LAYERS)
        self._spoil = spoil

    def rewrite(self, graph):
        changed = super().rewrite(graph)
        self._spoil(graph, {node.name: node for node in graph})
        return changed


def set_constant(name, change):
    def spoil(graph, _):
        value = graph.initializers[name]
        value.const_value = ir.tensor(change(value.const_value.numpy()), name=name)
        value.dtype = value.const_value.dtype

    return spoil


SPOILS = {
    "a layer that reads floats": (
        lambda graph, nodes: nodes["Conv.b"].replace_input_with(0, nodes["Relu.r"].outputs[0]),
        "input 0 of Conv.b is not 'r' in int8",
    ),
    "a layer that reads another tensor": (
        lambda graph, nodes: nodes["Conv.b"].replace_input_with(0, nodes["x.dequantise"].outputs[0]),
        "input 0 of Conv.b is not 'r' in int8",
    ),
    "an Add with both sides in int8": (
        lambda graph, nodes: nodes["Add.sum"].replace_input_with(0, nodes["r.dequantise"].outputs[0]),
        "int8 reaches input 0 of Add.sum",
    ),
    "an activation in int8": (
        lambda graph, nodes: nodes["Relu.r"].replace_input_with(0, nodes["x.dequantise"].outputs[0]),
        "int8 reaches input 0 of Relu.r",
    ),
    "another scale": (
        set_constant("r.scale", lambda scale: scale * 2),
        "input 0 of Conv.b has another scale",
    ),
    "a zero point": (
        set_constant("r.zero", lambda zero: zero + np.int8(3)),
        "zero point of input 0 of Conv.b",
    ),
    "unsigned codes": (
        lambda graph, nodes: [
            set_constant(f"wa.{name}", lambda codes: codes.astype(np.uint8))(graph, nodes)
            for name in ("int8", "zero")
        ],
        "the weights of Conv.a are not stored in int8",
    ),
    "weights of one scale": (
        lambda graph, nodes: nodes["wa.dequantise"].attributes.pop("axis"),
        "the weights of Conv.a have no scale per output channel",
    ),
    "codes of other weights": (set_constant("wa.int8", lambda codes: -codes), "'y' changed"),
    "scales of other channels": (set_constant("wa.scale", lambda scales: scales[::-1].copy()), "'y' changed"),
    "a bias that is rounded": (set_constant("bias", lambda bias: np.rint(bias * 2) / 2), "'y' changed"),
}


@pytest.mark.parametrize(("spoil", "reason"), SPOILS.values(), ids=SPOILS)
def test_a_half_done_graph_is_caught(spoil, reason):
    with pytest.raises(GateFailed, match=f"'quantise' broke the graph.*{reason}"):
        run_passes(residual(), [Spoiled(spoil)], {"x": X})


def test_a_second_pair_for_one_tensor_is_caught():
    def spoil(graph, nodes):
        extra = module._add_pair(graph, nodes["Relu.r"].outputs[0], module.scale_of_range(RANGES["r"]))
        nodes["Add.sum"].replace_input_with(1, extra)

    with pytest.raises(GateFailed, match="a tensor has more than one pair"):
        run_passes(residual(), [Spoiled(spoil)], {"x": X})
