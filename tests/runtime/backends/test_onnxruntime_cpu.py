import importlib.metadata

import numpy as np
import pytest
from onnx import TensorProto, helper

from edgekit_runtime import Bundle, Detector, verify_bundle
from edgekit_runtime.backends import BackendOptions, Device, State
from edgekit_runtime.backends.onnxruntime_cpu import OnnxRuntimeCpu
from edgekit_runtime.errors import ArtefactRefused, BundleIntegrityError, MissingDependency
from edgekit_runtime.testing import fake_bundle
from tests.conformance.backend_conformance import HEIGHT, WIDTH, StagedBackendConformance
from tests.runtime.onnx_graphs import (
    classify_bundle,
    make_model,
    put_graphs,
    segment_bundle,
    segmenter,
    tensor,
)


def on_cpu(threads=None):
    return BackendOptions(Device("cpu"), threads)


class TestOnnxRuntimeConforms(StagedBackendConformance):
    @pytest.fixture
    def make_backend(self, tmp_path):
        bundles = {
            "segment": segment_bundle(tmp_path / "segment.edgekit", height=HEIGHT, width=WIDTH),
            "classify": classify_bundle(tmp_path / "classify.edgekit", height=HEIGHT, width=WIDTH),
        }
        return lambda task: OnnxRuntimeCpu(bundles[task], on_cpu(1))


@pytest.fixture
def bundle(tmp_path):
    return segment_bundle(tmp_path / "segment.edgekit")


@pytest.mark.parametrize("batch", [None, 3])
def test_real_graphs_reproduce_the_golden_samples(tmp_path, batch):
    for make in (segment_bundle, classify_bundle):
        path = tmp_path / f"{make.__name__}.edgekit"
        make(path, batch=batch)
        report = verify_bundle(path, backend="onnxruntime")
        assert report.ok, report.checks


def test_runs_on_the_cpu_with_the_asked_threads(bundle):
    with OnnxRuntimeCpu(bundle, on_cpu(2)) as backend:
        session = backend._sessions["segment"]
        assert session.get_providers() == ["CPUExecutionProvider"]
        options = session.get_session_options()
        assert options.intra_op_num_threads == 2
        assert options.inter_op_num_threads == 1


def test_the_threads_of_a_stage_leave_the_cores_to_the_next(tmp_path, bundle):
    def find_setting(bundle, stage):
        with OnnxRuntimeCpu(bundle, on_cpu(2)) as backend:
            options = backend._sessions[stage].get_session_options()
            return options.get_session_config_entry("session.force_spinning_stop")

    assert find_setting(classify_bundle(tmp_path / "classify.edgekit"), "exit1") == "1"
    with pytest.raises(RuntimeError):  # not set: between the runs of one stage, spinning saves waking up
        find_setting(bundle, "segment")


def test_memory_is_not_planned_anew_for_every_number_of_rows(tmp_path, bundle):
    for made, planned in ((classify_bundle(tmp_path / "classify.edgekit"), False), (bundle, True)):
        with OnnxRuntimeCpu(made, on_cpu()) as backend:
            for session in backend._sessions.values():
                assert session.get_session_options().enable_mem_pattern is planned


def test_a_stage_that_is_no_graph_is_refused_by_name(tmp_path):
    backend = OnnxRuntimeCpu(fake_bundle(tmp_path / "fake.edgekit"), on_cpu())
    with pytest.raises(ArtefactRefused, match="'segment'"):
        backend.open()
    assert backend.state is State.NEW
    backend.close()


def test_a_graph_that_onnxruntime_cannot_load_is_refused_by_name(bundle):
    graph = segmenter(24, 32)
    graph.graph.node[1].op_type = "NoSuchOperator"
    with pytest.raises(ArtefactRefused, match="'segment' cannot be loaded"):
        OnnxRuntimeCpu(put_graphs(bundle, {"segment": graph}), on_cpu()).open()


def test_a_graph_is_never_read_in_onnxruntimes_own_format(bundle):
    """ONNX Runtime guesses its own format from four letters, which the name of a producer can put there."""
    graph = segmenter(24, 32)
    graph.producer_name = "ORTM"
    content = graph.SerializeToString()
    assert content[4:8] == b"ORTM"
    with Detector(put_graphs(bundle, {"segment": content})) as detector:
        assert detector(np.full((24, 32), 255, np.uint8)).verdict == "reject"


def test_a_stage_that_changed_after_opening_is_refused(bundle):
    opened = Bundle.open(bundle.path)
    path = bundle.path / "segment.onnx"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(BundleIntegrityError):
        OnnxRuntimeCpu(opened, on_cpu()).open()


def _rename(graph, old, new):
    for value in (*graph.graph.input, *graph.graph.output):
        value.name = new if value.name == old else value.name
    for node in graph.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    return graph


def _boolean_mask():
    return make_model(
        [
            helper.make_node("Cast", ["frame"], ["grey"], to=TensorProto.FLOAT),
            helper.make_node("Less", ["threshold", "grey"], ["mask"]),
        ],
        [tensor("frame", TensorProto.UINT8, ("N", 24, 32)), tensor("threshold", TensorProto.FLOAT, ())],
        [tensor("mask", TensorProto.BOOL, ("N", 24, 32))],
    )


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (_rename(segmenter(24, 32), "frame", "image"), "inputs frame, threshold; its graph has image"),
        (_rename(segmenter(24, 32), "mask", "masks"), "outputs mask; its graph has masks"),
        (_boolean_mask(), r"promises output 'mask' as uint8.*its graph has bool"),
        (segmenter(24, 31), r"\('N', 24, 32\); its graph has uint8 \('N', 24, 31\)"),
        (segmenter(24, 32, batch=1), "its graph has uint8"),
    ],
    ids=["input", "output", "dtype", "size", "batch"],
)
def test_a_graph_that_the_manifest_does_not_describe_is_refused(bundle, graph, message):
    with pytest.raises(ArtefactRefused, match=message):
        OnnxRuntimeCpu(put_graphs(bundle, {"segment": graph}), on_cpu()).open()


def _sized_by_threshold(*nodes):
    """A graph whose output size depends on an input's value, so that only the answer shows what it is."""
    return make_model(
        [
            helper.make_node("Reshape", ["threshold", "one"], ["row"]),
            helper.make_node("Cast", ["row"], ["size"], to=TensorProto.INT64),
            *nodes,
        ],
        [tensor("frame", TensorProto.UINT8, ("N", 24, 32)), tensor("threshold", TensorProto.FLOAT, ())],
        [tensor("mask", TensorProto.UINT8, ("a", "b", "c"))],
        {"one": np.array([1]), "zero": np.array([0]), "rest": np.array([-1])},
    )


_RESHAPED = _sized_by_threshold(
    helper.make_node("Concat", ["rest", "size", "size"], ["shape"], axis=0),
    helper.make_node("Reshape", ["frame", "shape"], ["mask"]),
)
_CUT = _sized_by_threshold(helper.make_node("Slice", ["frame", "zero", "size"], ["mask"]))


@pytest.mark.parametrize(
    ("graph", "size", "message"),
    [
        (_RESHAPED, 16, r"is uint8 \(6, 16, 16\); the manifest promises uint8 \(2, 24, 32\)"),
        (_CUT, 1, r"is uint8 \(1, 24, 32\); the manifest promises uint8 \(2, 24, 32\)"),
        (_RESHAPED, 37, "'segment' failed in ONNX Runtime"),
    ],
    ids=["size", "rows", "failure"],
)
def test_an_answer_that_the_manifest_does_not_promise_is_refused(bundle, graph, size, message):
    broken = put_graphs(bundle, {"segment": graph})
    with (
        Detector(broken, thresholds={"threshold": size}) as detector,
        pytest.raises(ArtefactRefused, match=message),
    ):
        detector.run_batch(np.zeros((2, 24, 32), np.uint8))


@pytest.mark.parametrize("location", ["weights.bin", "../secret.bin", "{absolute}", "*/_ORT_MEM_ADDR_/*"])
def test_weights_outside_the_graph_are_refused(bundle, tmp_path, monkeypatch, location):
    inside = tmp_path / "cwd"
    inside.mkdir()
    monkeypatch.chdir(inside)
    for path in (inside / "weights.bin", tmp_path / "secret.bin", bundle.path.parent / "weights.bin"):
        path.write_bytes(np.float32(128).tobytes())
    graph = segmenter(24, 32)
    weight = graph.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", location.format(absolute=tmp_path / "secret.bin")
    with pytest.raises(ArtefactRefused, match="outside its file"):
        OnnxRuntimeCpu(put_graphs(bundle, {"segment": graph}), on_cpu()).open()


def test_both_distributions_at_once_are_one_line(bundle, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.20.0")
    with pytest.raises(MissingDependency) as caught:
        OnnxRuntimeCpu(bundle, on_cpu()).open()
    assert "onnxruntime 1.20.0 and onnxruntime-gpu 1.20.0" in caught.value.message
    assert "\n" not in caught.value.message
    assert "pip uninstall" in caught.value.remedy


def test_a_missing_onnxruntime_names_the_extra(bundle, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingDependency) as caught:
        OnnxRuntimeCpu(bundle, on_cpu()).open()
    assert "edgekit[cpu]" in caught.value.remedy
