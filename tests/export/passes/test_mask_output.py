from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper

from edgekit_export.execution import GraphRunner
from edgekit_export.graph_io import to_bytes
from edgekit_export.passes.driver import run_passes
from edgekit_export.passes.mask_output import MaskOutput
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.masks import mask_of
from tests.export.graphs import make_graph, normal


def masked(classes: int) -> ir.Model:
    """x → logits (the same values) → mask."""
    shape = ["N", classes, 3, 4]
    model = make_graph([helper.make_node("Neg", ["x"], ["logits"])], {"x": shape}, {"logits": shape}, {})
    feeds = {"x": normal(2, classes, 3, 4), "threshold": np.array(0.1, np.float32)}
    return run_passes(model, [MaskOutput()], feeds)


def answer(model: ir.Model, logits: np.ndarray, threshold: float) -> np.ndarray:
    # With the runtime's own optimisations: they must not undo the care taken for NaN.
    runner = GraphRunner(to_bytes(model), optimise=True)
    return runner.run({"x": -logits, "threshold": np.array(threshold, np.float32)})["mask"]


def test_signature():
    model = masked(1)
    threshold, (mask,) = model.graph.inputs[-1], model.graph.outputs
    assert (threshold.name, threshold.dtype, list(threshold.shape)) == ("threshold", ir.DataType.FLOAT, [])
    assert (mask.name, mask.dtype, list(mask.shape)) == ("mask", ir.DataType.UINT8, ["N", 3, 4])


def test_a_logit_on_the_threshold_is_a_defect():
    logits = np.array([-1.0, 0.25, 0.5, np.nextafter(np.float32(0.5), np.float32(0))], np.float32)
    mask = answer(masked(1), np.tile(logits, 3).reshape(1, 1, 3, 4), 0.5)
    assert mask[0, 0].tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("classes", [1, 2, 3, 7])
def test_equals_the_definition_in_numpy(classes):
    model = masked(classes)
    for seed, threshold in enumerate([-3.0, -0.5, 0.0, 0.7, 50.0]):
        logits = normal(3, classes, 3, 4, seed=seed)
        np.testing.assert_array_equal(answer(model, logits, threshold), mask_of(logits, threshold))


@pytest.mark.parametrize("classes", [1, 2, 3, 5])
def test_nan_in_any_logit_is_a_defect(classes):
    model = masked(classes)
    for channel in range(classes):
        # Background far ahead everywhere: without NaN there is no defect.
        logits = np.full((1, classes, 3, 4), -9.0, np.float32)
        if classes > 1:
            logits[:, 0] = 9.0
        assert not answer(model, logits, 0.0).any()
        logits[0, channel, 1, 2] = np.nan
        mask = answer(model, logits, 0.0)
        assert 1 <= mask[0, 1, 2] <= max(classes - 1, 1)
        assert np.count_nonzero(mask) == 1


def test_infinite_logits():
    model = masked(3)
    logits = np.zeros((1, 3, 3, 4), np.float32)
    logits[0, :, 0, 0] = [np.inf, 0, 0]
    logits[0, :, 0, 1] = [0, 0, np.inf]
    logits[0, :, 0, 2] = [np.inf, np.inf, 0]  # inf − inf is NaN
    logits[0, :, 0, 3] = [0, -np.inf, -1]
    assert answer(model, logits, 0.5)[0, 0].tolist() == [0, 2, 1, 0]


def test_the_class_is_the_largest_defect_and_the_first_of_equals():
    logits = np.zeros((1, 4, 3, 4), np.float32)
    logits[0, :, 0, 0] = [0, 1, 3, 2]
    logits[0, :, 0, 1] = [0, 2, 5, 5]
    assert answer(masked(4), logits, 0.5)[0, 0, :2].tolist() == [2, 2]


def test_logits_stay_in_the_graph():
    assert "logits" in {value.name for node in masked(3).graph for value in node.outputs}


def test_outputs_that_are_no_logits_are_refused():
    shape = ["N", 1, 3, 4]
    model = make_graph([helper.make_node("Neg", ["x"], ["heat"])], {"x": shape}, {"heat": shape}, {})
    feeds = {"x": normal(1, 1, 3, 4), "threshold": np.array(0.0, np.float32)}
    with pytest.raises(UsageProblem, match="mask_output"):
        run_passes(model, [MaskOutput()], feeds)
