from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from edgekit_export.graph_io import infer_shapes
from edgekit_export.precision.layers import list_layers
from edgekit_export.precision.simulation import Simulation
from tests.export.graphs import make_graph, normal, run

X = normal(2, 3, 5, 4, seed=4)
RANGES = {"x": 1.5, "a": 2.0, "b": 0.7, "sum": 2.5}


@pytest.fixture(scope="module")
def model():
    """x → a, x → b, sum of them → y: 1×1 convolutions, which are matrix products in NumPy."""
    nodes = [
        helper.make_node("Conv", ["x", "wa"], ["a"]),
        helper.make_node("Conv", ["x", "wb"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["sum"]),
        helper.make_node("Conv", ["sum", "wy", "bias"], ["y"]),
    ]
    weights = {"wa": normal(4, 3, 1, 1), "wb": normal(4, 3, 1, 1, seed=1), "wy": normal(2, 4, 1, 1, seed=2)}
    return infer_shapes(
        make_graph(
            nodes,
            {"x": ["N", 3, 5, 4]},
            {"y": ["N", 2, 5, 4]},
            {**weights, "bias": np.array([0.3, -7.0], np.float32)},
        )
    )


def round_data(values, largest, active):
    if not active:
        return values
    scale = np.float32(largest / 127)
    return np.clip(np.rint(values / scale), -128, 127) * scale


def round_weights(weights, active):
    if not active:
        return weights
    scale = np.abs(weights).max(axis=(1, 2, 3), keepdims=True) / 127
    return (np.rint(weights / scale) * scale).astype(np.float32)


def by_hand(model, layers):
    """Follow the definition in NumPy."""
    w = {name: model.graph.initializers[name].const_value.numpy() for name in ("wa", "wb", "wy", "bias")}

    def convolve(data, name, layer, tensor):
        active = layer in layers
        data = round_data(data, RANGES[tensor], active)
        return np.einsum("nchw,oc->nohw", data, round_weights(w[name], active)[:, :, 0, 0])

    a, b = convolve(X, "wa", "Conv.a", "x"), convolve(X, "wb", "Conv.b", "x")
    if "Conv.a" in layers:
        b = round_data(b, RANGES["b"], True)
    elif "Conv.b" in layers:
        a = round_data(a, RANGES["a"], True)
    return convolve(a + b, "wy", "Conv.y", "sum") + w["bias"].reshape(1, 2, 1, 1)


@pytest.mark.parametrize("number", range(8))
def test_every_choice_of_layers_from_one_session(model, number):
    simulation = _simulation(model)
    chosen = {layer.name for index, layer in enumerate(simulation.layers) if number >> index & 1}
    found = simulation.run({"x": X}, chosen)["y"]
    np.testing.assert_allclose(found, by_hand(model, chosen), rtol=1e-4, atol=1e-4)
    plain = run(model, x=X)["y"]
    if chosen:
        assert np.abs(found - plain).max() > 1e-3
    else:
        np.testing.assert_array_equal(found, plain)


_BUILT = {}


def _simulation(model):
    return _BUILT.setdefault("one", Simulation(model, RANGES))


def test_what_cannot_be_int8_is_no_choice(model):
    simulation = _simulation(model)
    assert simulation.layers == list_layers(model.graph)
    assert simulation.inputs == ("x",)


def test_values_beyond_the_range_are_clipped(model):
    found = _simulation(model).run({"x": np.full_like(X, 100.0)}, {"Conv.a", "Conv.b", "Conv.y"})["y"]
    np.testing.assert_array_equal(
        found, _simulation(model).run({"x": np.full_like(X, 9.0)}, {"Conv.a", "Conv.b", "Conv.y"})["y"]
    )
