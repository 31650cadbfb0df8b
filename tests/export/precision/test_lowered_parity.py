"""The rows that say what a lower precision costs."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgekit_export.precision.lowered_parity import MetricLoss, check_drop, check_lowered, run_exposed
from edgekit_runtime.masks import mask_of


def spoil(graph: bytes, name: str, factor: float) -> bytes:
    """Return the graph with one initialiser scaled."""
    model = onnx.ModelProto.FromString(graph)
    [weight] = [item for item in model.graph.initializer if item.name == name]
    scaled = (numpy_helper.to_array(weight) * factor).astype(np.float32)
    weight.CopyFrom(numpy_helper.from_array(scaled, name))
    return model.SerializeToString()


def rows_of(built, graphs=None):
    expected = built.expected
    checks = check_lowered(
        "int8",
        built.infos,
        graphs or built.graphs,
        expected.frames,
        expected.outputs,
        batch=built.batch,
        threshold=built.threshold,
    )
    return {check.name: check for check in checks}


def test_graphs_that_lost_nothing_flip_nothing(built_segmenter) -> None:
    rows = rows_of(built_segmenter)
    assert list(rows) == [
        "int8: main: names",
        "int8: main: shapes",
        "int8: values: logits",
        "int8: class flips",
    ]
    assert all(row.ok for row in rows.values())
    assert rows["int8: class flips"].detail.startswith("0 of ")
    assert "cosine 1.000000" in rows["int8: values: logits"].detail


def test_pixels_that_change_are_counted(built_segmenter) -> None:
    expected = built_segmenter.expected
    graphs = [spoil(built_segmenter.graphs[0], "last.bias", -50.0)]
    found = run_exposed(graphs, expected.frames, batch=None, threshold=0.0)
    flips = np.count_nonzero(found["mask"] != mask_of(expected.outputs["logits"], 0.0))
    assert flips > 0
    row = rows_of(built_segmenter, graphs)["int8: class flips"]
    assert row.detail.startswith(f"{flips} of {found['mask'].size} px")


def test_classes_and_exits_that_change_are_counted(built_classifier) -> None:
    assert rows_of(built_classifier)["int8: class and exit flips"].detail == (
        "0 of 4 frames change their class, 0 their exit"
    )
    graphs = [spoil(built_classifier.graphs[0], "head.linear.weight", 1e4), built_classifier.graphs[1]]
    assert "0 their exit" not in rows_of(built_classifier, graphs)["int8: class and exit flips"].detail


def test_values_that_are_not_finite_fail(built_segmenter) -> None:
    graphs = [spoil(built_segmenter.graphs[0], "last.weight", np.inf)]
    row = rows_of(built_segmenter, graphs)["int8: values: logits"]
    assert not row.ok
    assert "NaN or infinite" in row.detail


def test_graphs_of_another_form_fail_by_name(built_segmenter) -> None:
    model = onnx.ModelProto.FromString(built_segmenter.graphs[0])
    model.graph.output[0].name = "masque"
    model.graph.node[-1].output[0] = "masque"
    rows = rows_of(built_segmenter, [model.SerializeToString()])
    assert not rows["int8: main: names"].ok


def test_bytes_that_are_no_graph_fail(built_segmenter) -> None:
    [row] = rows_of(built_segmenter, [b"no graph"]).values()
    assert not row.ok
    assert "onnxruntime refuses" in row.detail


@pytest.mark.parametrize(
    ("lowered", "ok"), [(0.8, True), (0.796, True), (0.794, False), (float("nan"), False)]
)
def test_the_metric_gates_by_points(lowered: float, ok: bool) -> None:
    row = check_drop("int8", MetricLoss("miou", 0.8, 0.8, lowered, 0.5))
    assert row.ok is ok


def test_a_gain_is_called_one() -> None:
    row = check_drop("fp16", MetricLoss("miou", 0.8, 0.8, 0.81, 0.5))
    assert "gains 1.00 points" in row.detail
