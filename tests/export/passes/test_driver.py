"""The driver must catch each way in which a pass can break a graph, and name the pass."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper

from edgekit_export.passes import editing
from edgekit_export.passes.base import EXACT, ROUNDING, GraphPass, ensure, require
from edgekit_export.passes.driver import run_passes
from edgekit_runtime.errors import GateFailed, UsageProblem
from tests.export.graphs import make_graph, normal, run


class Harmless(GraphPass):
    """Does nothing; the tests below break one thing each."""

    name: ClassVar[str] = "broken"
    changes: ClassVar[str] = "Nothing."
    tolerance = EXACT

    def rewrite(self, graph: ir.Graph) -> bool:
        return False


def scale_weights(graph: ir.Graph, factor: float) -> None:
    conv = next(iter(graph))
    weight = editing.read_constant(conv.inputs[1]) * np.float32(factor)
    editing.replace_constant(graph, conv, 1, weight, fallback="w2")


@pytest.fixture
def model() -> ir.Model:
    return make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        {"x": ["N", 2, 4, 4]},
        {"y": ["N", 3, 4, 4]},
        {"w": normal(3, 2, 1, 1)},
    )


FEEDS = {"x": normal(2, 2, 4, 4, seed=1)}


def test_the_callers_model_is_left_alone(model):
    class Scale(Harmless):
        tolerance = ROUNDING

        def rewrite(self, graph):
            scale_weights(graph, 1 + 1e-6)
            return True

    before = run(model, **FEEDS)["y"]
    after = run_passes(model, [Scale()], FEEDS)
    np.testing.assert_array_equal(run(model, **FEEDS)["y"], before)
    assert not np.array_equal(run(after, **FEEDS)["y"], before)


@pytest.mark.parametrize(("tolerance", "factor"), [(EXACT, 1 + 1e-6), (ROUNDING, 1.001)])
def test_values_beyond_the_tolerance(model, tolerance, factor):
    class Wrong(Harmless):
        def rewrite(self, graph):
            scale_weights(graph, factor)
            return True

    Wrong.tolerance = tolerance
    with pytest.raises(GateFailed, match="Pass 'broken' broke the graph: 'y' changed"):
        run_passes(model, [Harmless(), Wrong()], FEEDS)


def test_values_that_become_nan(model):
    class Wrong(Harmless):
        tolerance = ROUNDING

        def rewrite(self, graph):
            scale_weights(graph, np.nan)
            return True

    with pytest.raises(GateFailed, match="finite, infinite or NaN"):
        run_passes(model, [Wrong()], FEEDS)


def test_a_requirement_that_is_not_met(model):
    class Demanding(Harmless):
        def requires(self, model):
            require(False, "there is no moon")

    with pytest.raises(UsageProblem, match=r"'broken' cannot be applied .* there is no moon"):
        run_passes(model, [Demanding()], FEEDS)


def test_an_effect_that_did_not_happen(model):
    class Idle(Harmless):
        def ensures(self, model):
            ensure(False, "the Conv is still there")

    with pytest.raises(GateFailed, match="'broken' broke the graph: the Conv is still there"):
        run_passes(model, [Idle()], FEEDS)


def test_a_graph_that_is_no_valid_onnx(model):
    class Invalid(Harmless):
        def rewrite(self, graph):
            graph.remove(next(iter(graph)))
            return True

    with pytest.raises(GateFailed, match="'broken' broke the graph: the graph is not valid"):
        run_passes(model, [Invalid()], FEEDS)


def test_shapes_that_contradict_each_other(model):
    class Reshaped(Harmless):
        def rewrite(self, graph):
            editing.replace_constant(graph, next(iter(graph)), 1, normal(5, 2, 1, 1), fallback="w2")
            return True

    with pytest.raises(GateFailed, match="'broken' broke the graph"):
        run_passes(model, [Reshaped()], FEEDS)


def test_an_output_with_another_name(model):
    class Renamed(Harmless):
        def rewrite(self, graph):
            graph.outputs[0].name = "z"
            return True

    with pytest.raises(GateFailed, match="the outputs are z, not y"):
        run_passes(model, [Renamed()], FEEDS)
