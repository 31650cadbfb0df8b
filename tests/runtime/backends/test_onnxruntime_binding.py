import gc
import weakref

import numpy as np
import pytest
from onnx import TensorProto, helper

from edgekit_runtime.backends import BackendOptions, Device, onnxruntime_binding
from edgekit_runtime.backends.onnxruntime_cpu import OnnxRuntimeCpu
from edgekit_runtime.errors import ArtefactRefused
from tests.runtime.onnx_graphs import classify_bundle, last_exit, make_model, put_graphs, tensor


@pytest.fixture
def bundle(tmp_path):
    return classify_bundle(tmp_path / "classify.edgekit")


def open_backend(bundle):
    backend = OnnxRuntimeCpu(bundle, BackendOptions(Device("cpu"), 1))
    backend.open()
    return backend


def frames(count):
    return np.random.default_rng(count).integers(0, 256, (count, 8, 8), np.uint8)


def find_memory(array):
    return array.base if isinstance(array.base, np.ndarray) else array


def test_carried_maps_stay_in_the_same_memory(bundle):
    with open_backend(bundle) as backend:
        first = backend.run("exit1", {"frame": frames(5)})["features1"]
        for count in (5, 2, 4):
            found = backend.run("exit1", {"frame": frames(count)})["features1"]
            assert found.shape == (count, 2, 2)
            assert find_memory(found) is find_memory(first)


def test_kept_rows_stay_in_the_same_memory(bundle):
    with open_backend(bundle) as backend:
        features = backend.run("exit1", {"frame": frames(5)})["features1"]
        expected = features[[0, 4]].copy()
        kept = backend.keep_rows(features, np.array([0, 4]))
        assert find_memory(kept) is find_memory(features)
        np.testing.assert_array_equal(kept, expected)


def test_memory_grows_with_the_batch_and_is_not_held_twice(bundle):
    with open_backend(bundle) as backend:
        small = weakref.ref(find_memory(backend.run("exit1", {"frame": frames(2)})["features1"]))
        large = backend.run("exit1", {"frame": frames(9)})["features1"]
        gc.collect()
        assert small() is None
        assert find_memory(large).shape == (9, 2, 2)


def test_memory_is_freed_when_the_backend_closes(bundle):
    backend = open_backend(bundle)
    memory = weakref.ref(find_memory(backend.run("exit1", {"frame": frames(2)})["features1"]))
    assert memory() is not None
    backend.close()
    gc.collect()
    assert memory() is None


def test_frames_are_not_held_after_the_run(bundle):
    with open_backend(bundle) as backend:
        taken = frames(3)
        held = weakref.ref(taken)
        backend.run("exit1", {"frame": taken})
        del taken
        gc.collect()
        assert held() is None


def _first_exit(features, answers):
    """A graph of the first exit that carries and answers what it should not: names of tensors of other shapes."""
    return make_model(
        [
            helper.make_node("Cast", ["frame"], ["grey"], to=TensorProto.FLOAT),
            helper.make_node("Slice", ["grey", "origin", "pair", "sides"], ["corner"]),
            helper.make_node("ReduceMean", ["corner"], ["flat"], axes=[2], keepdims=0),
            helper.make_node("Slice", ["corner", "one", "many", "rows"], ["corner_short"]),
            helper.make_node("Slice", ["flat", "one", "many", "rows"], ["flat_short"]),
            helper.make_node("Identity", [features], ["features1"]),
            helper.make_node("Identity", [answers], ["p1"]),
        ],
        [tensor("frame", TensorProto.UINT8, ("N", 8, 8))],
        [
            tensor("features1", TensorProto.FLOAT, ("a", "b", "c")),
            tensor("p1", TensorProto.FLOAT, ("d", "e")),
        ],
        {
            "origin": np.array([0, 0]),
            "pair": np.array([2, 2]),
            "sides": np.array([1, 2]),
            "one": np.array([1]),
            "many": np.array([99]),
            "rows": np.array([0]),
        },
    )


@pytest.mark.parametrize(
    ("features", "answers"),
    [("corner_short", "flat"), ("corner", "flat_short")],
    ids=["map lacks a row", "answer lacks a row"],
)
def test_outputs_that_the_manifest_does_not_promise_are_refused(bundle, features, answers):
    sound = put_graphs(bundle, {"exit1": _first_exit("corner", "flat"), "exit2": last_exit()})
    with open_backend(sound) as backend:
        backend.run("exit1", {"frame": frames(3)})
    broken = put_graphs(sound, {"exit1": _first_exit(features, answers), "exit2": last_exit()})
    with open_backend(broken) as backend, pytest.raises(ArtefactRefused, match="'exit1' failed"):
        backend.run("exit1", {"frame": frames(3)})


def test_a_run_that_failed_leaves_the_backend_usable(bundle):
    broken = put_graphs(bundle, {"exit1": _first_exit("corner_short", "flat"), "exit2": last_exit()})
    with open_backend(broken) as backend:
        for _ in range(2):
            with pytest.raises(ArtefactRefused, match="'exit1' failed"):
                backend.run("exit1", {"frame": frames(3)})
        answer = backend.run("exit2", {"features1": np.ones((2, 2, 2), np.float32)})["p2"]
        np.testing.assert_array_equal(answer, [[0, 1], [0, 1]])


def test_a_batch_that_memory_was_too_short_for_leaves_the_backend_usable(bundle, monkeypatch):
    def refuse(shape, dtype):
        raise MemoryError

    larger = frames(9)  # NumPy's generators take memory of their own
    with open_backend(bundle) as backend:
        expected = {name: array.copy() for name, array in backend.run("exit1", {"frame": frames(2)}).items()}
        with monkeypatch.context() as short:
            short.setattr(onnxruntime_binding.np, "empty", refuse)
            with pytest.raises(MemoryError):
                backend.run("exit1", {"frame": larger})
        # As many rows as before: what was bound for them is gone.
        found = backend.run("exit1", {"frame": frames(2)})
        assert set(found) == set(expected)
        for name, array in found.items():
            np.testing.assert_array_equal(array, expected[name])


def test_frames_are_read_as_they_look_and_not_as_they_lie(bundle):
    taken = frames(3)
    with open_backend(bundle) as backend:
        expected = backend.run("exit1", {"frame": taken})["features1"].copy()
        found = backend.run("exit1", {"frame": np.asfortranarray(taken)})["features1"]
        np.testing.assert_array_equal(found, expected)
