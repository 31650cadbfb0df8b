"""Early exit by nested `If` and all stages in one graph answer as the staged runtime does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest

from edgekit_export.conditional import build_conditional
from edgekit_export.execution import GraphRunner
from edgekit_export.joining import join_stages
from edgekit_runtime import Detector
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.exits import ReplayExits, ThresholdExits
from edgekit_runtime.testing import fake_bundle
from tests.export.steps import SIZE, export_steps, make_noise


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return make_noise(6)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    return export_steps(tmp_path_factory.mktemp("steps") / "steps.edgekit", exits=(1, 2, 4))


@pytest.fixture(scope="module")
def conditional(bundle) -> GraphRunner:
    return GraphRunner(build_conditional(bundle), optimise=True)


def ask(graph: GraphRunner, frame: np.ndarray, thresholds: Sequence[float]) -> tuple[int, np.ndarray]:
    """Return the exit and the probabilities of one frame."""
    answers = graph.run({"frame": frame[np.newaxis], "thresholds": np.array(thresholds, np.float32)})
    return int(answers["exit"][0]), answers["probabilities"][0]


def find_parting(bundle: Bundle, frames: np.ndarray) -> tuple[float, float]:
    """Return thresholds at which half of the frames leave at exit 1, and one of the others at exit 2."""
    answers = GraphRunner(join_stages(bundle), optimise=True).run({"frame": frames})
    first, second = (answers[name].max(axis=1) for name in ("p1", "p2"))
    middle = float(np.median(first))
    return middle, float(second[first < middle].max())


def test_it_stops_where_the_staged_runtime_stops(bundle, conditional, frames):
    first, second = find_parting(bundle, frames)
    policy = ThresholdExits((first, second, None, 0.0))
    with Detector(bundle, device="cpu") as detector:
        results = detector.run_batch(frames, exit_policy=policy)
    for frame, result in zip(frames, results, strict=True):
        taken, probabilities = ask(conditional, frame, (first, second, 0.0))
        assert taken == result.exit
        np.testing.assert_allclose(probabilities, list(result.probabilities.values()), atol=1e-6)
    assert {result.exit for result in results} == {1, 2, 4}


@pytest.mark.parametrize(("leave", "thresholds"), [(1, (0, 0, 0)), (2, (2, 0, 0)), (4, (2, 2, 0))])
def test_exits_can_be_replayed(bundle, conditional, frames, leave, thresholds):
    with Detector(bundle, device="cpu") as detector:
        (result,) = detector.run_batch(frames[:1], exit_policy=ReplayExits([leave]))
    taken, probabilities = ask(conditional, frames[0], thresholds)
    assert taken == leave
    np.testing.assert_allclose(probabilities, list(result.probabilities.values()), atol=1e-6)


def test_what_is_not_finite_is_never_confident(conditional):
    taken, probabilities = ask(conditional, np.zeros((*SIZE, 3), np.uint8), (0, 0, 0))
    assert taken == 4
    assert np.isnan(probabilities).all()


def test_later_stages_stand_inside_the_branches_that_need_them(bundle):
    graph = onnx.ModelProto.FromString(build_conditional(bundle)).graph
    assert {node.name.partition("/")[0] for node in graph.node if node.name} == {"step1"}
    assert {tensor.name.partition("/")[0] for tensor in graph.initializer} == {"step1"}
    assert [node.op_type for node in graph.node].count("If") == 1


def test_every_weight_is_there_once(bundle):
    stages = sum(len(bundle.read(stage.file)) for stage in bundle.manifest.stages)
    weights = sum(stage.weight_bytes for stage in bundle.manifest.stages)
    for data in (build_conditional(bundle), join_stages(bundle)):
        assert weights < len(data) < 2 * stages


def test_joined_stages_give_every_exit(bundle, frames):
    answers = GraphRunner(join_stages(bundle), optimise=True).run({"frame": frames})
    assert sorted(answers) == ["p1", "p2", "p4"]
    with Detector(bundle, device="cpu") as detector:
        for leave, name in ((1, "p1"), (2, "p2"), (4, "p4")):
            results = detector.run_batch(frames, exit_policy=ReplayExits([leave] * len(frames)))
            wanted = [list(result.probabilities.values()) for result in results]
            np.testing.assert_allclose(answers[name], wanted, atol=1e-6)


def test_a_larger_fixed_batch_has_no_one_condition(tmp_path):
    bundle = fake_bundle(tmp_path / "two.edgekit", task="classify", exits=2, batch=2)
    with pytest.raises(UsageProblem, match="runs 2 frames at once"):
        build_conditional(bundle)


def test_one_stage_has_nothing_to_leave_out(tmp_path):
    bundle = fake_bundle(tmp_path / "one.edgekit", task="classify", exits=1)
    with pytest.raises(UsageProblem, match="one stage"):
        build_conditional(bundle)


def test_masks_are_not_joined(tmp_path):
    with pytest.raises(UsageProblem, match="segments"):
        join_stages(fake_bundle(tmp_path / "masks.edgekit"))
