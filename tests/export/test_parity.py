from __future__ import annotations

import dataclasses

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgekit_export.parity import Expected, ParityFailed, check_parity, render_parity
from edgekit_export.tracing import trace_stages
from edgekit_runtime.bundle import ParityCheck
from edgekit_runtime.errors import GateFailed
from tests.export.building import Built, build


def constants(data: bytes) -> dict[str, np.ndarray]:
    graph = onnx.ModelProto.FromString(data).graph
    return {item.name: numpy_helper.to_array(item) for item in graph.initializer}


def changed(data: bytes, name: str, array: np.ndarray) -> bytes:
    proto = onnx.ModelProto.FromString(data)
    (item,) = (item for item in proto.graph.initializer if item.name == name)
    item.CopyFrom(numpy_helper.from_array(array, name))
    return proto.SerializeToString()


def mutations(array: np.ndarray):
    """Yield the smallest changes that must be seen, one element each."""
    largest = np.unravel_index(np.abs(array).argmax(), array.shape)
    for index in {largest, tuple(size - 1 for size in array.shape)}:
        for change in (lambda value: value * array.dtype.type(1.01), lambda value: value + 0.01):
            mutant = array.copy()
            mutant[index] = change(mutant[index]) if array.dtype.kind == "f" else mutant[index] + 1
            if mutant[index] != array[index] and not _is_tiny(array, mutant, index):
                yield index, mutant


def _is_tiny(array, mutant, index) -> bool:
    """1.01 times a weight next to nothing changes nothing; + 0.01 does."""
    return array.dtype.kind == "f" and abs(mutant[index] - array[index]) < 1e-4 * np.abs(array).max()


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
            for index, mutant in mutations(array):
                graphs = list(built.graphs)
                graphs[stage] = changed(data, name, mutant)
                assert failed(built.check(graphs)), f"{name}{list(index)}: {array[index]} → {mutant[index]}"
                tried += 1
    assert tried > 20


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


def test_a_mask_with_a_wrong_comparison_fails_although_the_logits_are_right(built_segmenter):
    proto = onnx.ModelProto.FromString(built_segmenter.graphs[0])
    (less,) = (node for node in proto.graph.node if node.op_type == "Less")
    less.op_type = "LessOrEqual"
    # Where a logit meets the threshold exactly, the two differ; at quantiles of the logits it often does.
    logits = built_segmenter.expected.outputs["logits"]
    expected = dataclasses.replace(built_segmenter.expected, bounds={"logits": 0.0})
    assert logits.size % 2 == 0
    checks = check_parity(
        built_segmenter.infos,
        [proto.SerializeToString()],
        dataclasses.replace(expected, bounds={"logits": built_segmenter.expected.bounds["logits"]}),
        batch=None,
        threshold=float(logits.max()) + 1.0,
    )
    assert failed(checks) == []  # within rounding of the threshold the two are the same to any backend
    (greater,) = (node for node in proto.graph.node if node.op_type == "LessOrEqual")
    greater.op_type = "Greater"
    assert failed(built_segmenter.check([proto.SerializeToString()])) == ["masks"]


def test_a_graph_that_does_not_load_fails_as_a_row(built_segmenter):
    checks = built_segmenter.check([b"no graph"])
    assert failed(checks) == ["graphs"]


def test_a_network_that_mixes_the_rows_of_a_batch_fails(grey, grey_frames):
    from tests.export.networks import Segmenter, settle

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


def test_tracing_alone_is_not_trusted(segmenter, built_segmenter):
    """The traced graph has other inputs than the bundle promises."""
    from edgekit_export.graph_io import to_bytes

    (traced,) = trace_stages(segmenter, size=(32, 48), batch=None)
    assert "main: names" in failed(built_segmenter.check([to_bytes(traced)]))
