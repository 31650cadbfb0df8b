from __future__ import annotations

import dataclasses

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgekit_export.parity import Expected, ParityFailed, check_parity, render_parity
from edgekit_runtime.bundle import ParityCheck
from edgekit_runtime.errors import GateFailed
from tests.export.building import Built, build
from tests.export.networks import Segmenter, settle


def constants(data: bytes) -> dict[str, np.ndarray]:
    graph = onnx.ModelProto.FromString(data).graph
    return {item.name: numpy_helper.to_array(item) for item in graph.initializer}


def changed(data: bytes, name: str, array: np.ndarray) -> bytes:
    proto = onnx.ModelProto.FromString(data)
    (item,) = (item for item in proto.graph.initializer if item.name == name)
    item.CopyFrom(numpy_helper.from_array(array, name))
    return proto.SerializeToString()


def mutations(name: str, array: np.ndarray):
    """Yield (index, mutant) for the smallest changes that must be seen, one element each."""
    last = tuple(size - 1 for size in array.shape)
    if array.dtype.kind == "i" or name == "mask.offset":  # a class number: the fraction of one is cut off
        # One more, but for a Slice that would end beyond the last channel: it ends at it anyway.
        changes = [(last, -1 if name == "mask.end" else 1)]
    else:
        largest = np.unravel_index(np.abs(array).argmax(), array.shape)
        changes = [(largest, 0.01 * array[largest]), (largest, 0.01), (last, 0.01)]
    for index, change in changes:
        mutant = array.copy()
        mutant[index] += array.dtype.type(change)
        if mutant[index] != array[index]:  # a bias of 0 has no hundredth
            yield index, mutant


def failed(checks) -> list[str]:
    return [check.name for check in checks if not check.ok]


@pytest.fixture(params=["segmenter", "class_segmenter", "classifier"])
def built(request) -> Built:
    return request.getfixturevalue(f"built_{request.param}")


def test_the_exported_network_passes(built):
    assert failed(built.check()) == []


def test_every_change_of_every_constant_fails(built):
    tried = 0
    for stage, data in enumerate(built.graphs):
        for name, array in constants(data).items():
            for index, mutant in mutations(name, array):
                graphs = list(built.graphs)
                graphs[stage] = changed(data, name, mutant)
                assert failed(built.check(graphs)), f"{name}: {array[index]} → {mutant[index]}"
                tried += 1
    assert tried >= 15


@pytest.mark.slow
def test_every_single_weight_counts(built_segmenter):
    (data,) = built_segmenter.graphs
    for name, array in constants(data).items():
        if array.dtype.kind != "f":
            continue
        for index in np.ndindex(array.shape):
            mutant = array.copy()
            mutant[index] += np.float32(0.01)
            assert failed(built_segmenter.check([changed(data, name, mutant)])), f"{name}{list(index)}"


def test_the_rows(built_segmenter, built_classifier):
    names = [check.name for check in built_segmenter.check()]
    assert names == ["main: names", "main: shapes", "values: logits", "masks"]
    names = [check.name for check in built_classifier.check()]
    assert names[-3:] == ["values: features", "values: p1", "values: p2"]


def test_a_fixed_batch_passes(segmenter, grey, grey_frames):
    assert failed(build(segmenter, grey, grey_frames, classes=1, batch=2).check()) == []


def test_the_subpixel_rewrite_passes(segmenter, grey, grey_frames):
    rewritten = build(segmenter, grey, grey_frames, classes=1, rewrites=frozenset({"subpixel"}))
    assert failed(rewritten.check()) == []
    graph = onnx.ModelProto.FromString(rewritten.graphs[0]).graph
    assert {"DepthToSpace"} <= {node.op_type for node in graph.node}
    assert "ConvTranspose" not in {node.op_type for node in graph.node}


def test_other_names_and_shapes_fail(built_segmenter):
    (info,) = built_segmenter.infos
    renamed = dataclasses.replace(info.outputs[0], name="answer")
    taller = dataclasses.replace(info.outputs[0], shape=("N", 64, 48))
    for outputs, row in (((renamed,), "main: names"), ((taller,), "main: shapes")):
        infos = (dataclasses.replace(info, outputs=outputs),)
        checks = check_parity(
            infos, built_segmenter.graphs, built_segmenter.expected, batch=None, threshold=0.0
        )
        assert failed(checks) == [row]


def test_many_pixels_moved_a_little_fail_by_their_mean_square(built_segmenter):
    expected = built_segmenter.expected
    # Half of what rounding may do to one pixel, done to all.
    outputs = {"logits": expected.outputs["logits"] + np.float32(expected.bounds["logits"] / 2)}
    moved = dataclasses.replace(expected, outputs=outputs)
    checks = check_parity(built_segmenter.infos, built_segmenter.graphs, moved, batch=None, threshold=0.0)
    assert "values: logits" in failed(checks)
    blind = dataclasses.replace(moved, rms_bounds={})
    checks = check_parity(built_segmenter.infos, built_segmenter.graphs, blind, batch=None, threshold=0.0)
    assert "values: logits" not in failed(checks)


def test_torch_answering_nan_fails(built_segmenter):
    outputs = {"logits": built_segmenter.expected.outputs["logits"].copy()}
    outputs["logits"][0, 0, 3, 4] = np.nan
    expected = Expected(built_segmenter.expected.frames, outputs, built_segmenter.expected.bounds)
    checks = check_parity(built_segmenter.infos, built_segmenter.graphs, expected, batch=None, threshold=0.0)
    assert "values: logits" in failed(checks)


def test_a_graph_answering_nan_fails(built_segmenter):
    (data,) = built_segmenter.graphs
    broken = changed(data, "last.bias", np.array([np.nan], np.float32))
    assert failed(built_segmenter.check([broken])) == ["values: logits", "masks"]


def test_a_wrong_comparison_fails_although_the_logits_are_right(built_segmenter):
    proto = onnx.ModelProto.FromString(built_segmenter.graphs[0])
    (less,) = (node for node in proto.graph.node if node.op_type == "Less")
    less.op_type = "Greater"
    assert failed(built_segmenter.check([proto.SerializeToString()])) == ["masks"]


def test_a_graph_that_does_not_load_fails_as_a_row(built_segmenter):
    checks = built_segmenter.check([b"no graph"])
    assert failed(checks) == ["graphs"]


def test_a_network_that_mixes_the_rows_of_a_batch_fails(grey, grey_frames):
    class Mixing(Segmenter):
        def forward(self, image):
            return super().forward(image - image.mean(dim=0, keepdim=True))

    assert "values: logits" in failed(build(settle(Mixing(), 1), grey, grey_frames, classes=1).check())


def test_render_marks_what_failed():
    table = render_parity((ParityCheck("names", True, "a → b"), ParityCheck("values: y", False, "far off")))
    assert table == "✓ names      a → b\n✗ values: y  far off"


def test_the_error_carries_the_table():
    checks = (ParityCheck("names", True, "fine"), ParityCheck("masks", False, "9 px differ"))
    error = ParityFailed(checks)
    assert isinstance(error, GateFailed)
    assert (error.exit_code, error.checks) == (3, checks)
    assert "masks: 9 px differ" in error.message
    assert "names" not in error.message
