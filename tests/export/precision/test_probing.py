from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from edgekit_export.precision.probing import Probe
from tests.export.graphs import make_graph, normal

X = normal(2, 3, 4, 4)
BYTES = 3 * 4 * 4 * 4


def chain():
    """x → a → b → y, each another multiple."""
    nodes = [
        helper.make_node("Mul", [source, "k"], [target])
        for source, target in (("x", "a"), ("a", "b"), ("b", "y"))
    ]
    shape = ["N", 3, 4, 4]
    return make_graph(nodes, {"x": shape}, {"y": shape}, {"k": np.array([2.0], np.float32)})


def test_inputs_outputs_and_inner_values():
    ((outputs, seen), inner) = Probe(chain(), {"x", "a", "b", "y"}).run({"x": X})
    np.testing.assert_array_equal(outputs["y"], X * 8)
    assert seen.keys() == {"x", "y"}
    assert inner[0] == {}
    assert {name: float(array[0, 0, 0, 0] / X[0, 0, 0, 0]) for name, array in inner[1].items()} == {
        "a": 2.0,
        "b": 4.0,
    }


@pytest.mark.parametrize(("most_bytes", "runs"), [(2 * BYTES, 1), (2 * BYTES - 1, 2), (1, 2)])
def test_parts_hold_no_more_than_was_allowed_or_a_single_value(most_bytes, runs):
    parts = list(Probe(chain(), {"a", "b"}, most_bytes=most_bytes).run({"x": X}))
    assert len(parts) == 1 + runs
    found = {name: array for _, part in parts for name, array in part.items()}
    np.testing.assert_array_equal(found["b"], X * 4)
    np.testing.assert_array_equal(found["a"], X * 2)


def test_what_is_looked_at_together_does_not_depend_on_the_order_of_the_names():
    for names in (["a", "b"], ["b", "a"]):
        parts = list(Probe(chain(), names, most_bytes=1).run({"x": X}))
        assert [list(part) for _, part in parts[1:]] == [["a"], ["b"]]


def test_the_callers_graph_stays():
    model = chain()
    Probe(model, {"a"})
    assert [value.name for value in model.graph.outputs] == ["y"]
