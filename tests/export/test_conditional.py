"""Early exit by nested `If` and all stages in one graph answer as the staged runtime does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from edgekit_export import Normalisation, export_bundle
from edgekit_export.conditional import build_conditional
from edgekit_export.execution import GraphRunner
from edgekit_export.exportable import ExportExit, ExportInput, ExportStage
from edgekit_export.joining import join_stages
from edgekit_runtime import Detector
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.exits import ReplayExits, ThresholdExits
from edgekit_runtime.testing import fake_bundle
from tests.export.building import PROVENANCE, model_info

SIZE = (16, 24)


class Stretch(nn.Module):
    """Divides by the sum of what is seen: a black image has no probabilities."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, 3, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        pooled = features.mean(dim=(2, 3))
        return torch.softmax(4 * self.linear(pooled / pooled.sum(dim=1, keepdim=True)), dim=1)


class Step(nn.Module):
    """A stage: features on, with probabilities beside them, or one of both alone."""

    def __init__(self, owner: Steps, number: int) -> None:
        super().__init__()
        self.body, self.number = owner.bodies[number], number
        self.head = None if number == 2 else owner.heads[str(number)]

    def forward(self, before: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        features = torch.relu(self.body(before))
        if self.head is None:
            return features
        return self.head(features) if self.number == 3 else (features, self.head(features))


class Steps(nn.Module):
    """Four stages, of which the third has no exit; inside, all use the same names."""

    task: Literal["classify"] = "classify"

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.bodies = nn.ModuleList(
            nn.Conv2d(3 if number == 0 else 4, 4, 3, padding=1, bias=False) for number in range(4)
        )
        self.heads = nn.ModuleDict({str(number): Stretch(4) for number in (0, 1, 3)})

    def export_input(self) -> ExportInput:
        return ExportInput("rgb", default_size=SIZE)

    def stages(self) -> Sequence[ExportStage]:
        stages = []
        for number in range(4):
            carried = () if number == 3 else (f"features{number}",)
            answers = (f"p{number}",) if str(number) in self.heads else ()
            leave = ExportExit(answers[0], 0.5) if answers else None
            inputs = ("image",) if number == 0 else (f"features{number - 1}",)
            stages.append(
                ExportStage(f"step{number}", Step(self, number), inputs, carried + answers, carried, leave)
            )
        return stages


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (6, *SIZE, 3), np.uint8)


@pytest.fixture(scope="module")
def export(tmp_path_factory, frames):
    """Return a function that exports the four steps with a batch."""

    def run(batch: int | None) -> Bundle:
        path: Path = tmp_path_factory.mktemp("steps") / "steps.edgekit"
        export_bundle(
            Steps(),
            out=path,
            name="steps",
            model_info=model_info("classify", 3),
            normalisation=Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
            samples=list(frames[:2]),
            provenance=PROVENANCE,
            batch=batch,
        )
        return Bundle.open(path)

    return run


@pytest.fixture(scope="module")
def bundle(export) -> Bundle:
    return export(None)


@pytest.fixture(scope="module")
def conditional(bundle) -> GraphRunner:
    return GraphRunner(build_conditional(bundle), optimise=True)


def ask(graph: GraphRunner, frame: np.ndarray, thresholds: Sequence[float]) -> tuple[int, np.ndarray]:
    """Return the exit and the probabilities of one frame."""
    answers = graph.run({"frame": frame[np.newaxis], "thresholds": np.array(thresholds, np.float32)})
    return int(answers["exit"][0]), answers["probabilities"][0]


def find_middle(bundle: Bundle, frames: np.ndarray) -> list[float]:
    """Return thresholds that about half of the frames pass at each exit."""
    graph = GraphRunner(join_stages(bundle), optimise=True)
    answers = graph.run({"frame": frames})
    return [float(np.median(answers[name].max(axis=1))) for name in ("p0", "p1")]


def test_it_stops_where_the_staged_runtime_stops(bundle, conditional, frames):
    first, second = find_middle(bundle, frames)
    policy = ThresholdExits((first, second, None, 0.0))
    with Detector(bundle, device="cpu") as detector:
        results = detector.run_batch(frames, exit_policy=policy)
    for frame, result in zip(frames, results, strict=True):
        taken, probabilities = ask(conditional, frame, (first, second, 0.0))
        assert taken == result.exit
        np.testing.assert_allclose(probabilities, list(result.probabilities.values()), atol=1e-6)
    assert {1, 4} <= {result.exit for result in results}, "the frames do not part"


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
    assert {node.name.partition("/")[0] for node in graph.node if node.name} == {"step0"}
    assert {tensor.name.partition("/")[0] for tensor in graph.initializer} == {"step0"}
    assert [node.op_type for node in graph.node].count("If") == 1


def test_every_weight_is_there_once(bundle):
    stages = sum(len(bundle.read(stage.file)) for stage in bundle.manifest.stages)
    weights = sum(stage.weight_bytes for stage in bundle.manifest.stages)
    for data in (build_conditional(bundle), join_stages(bundle)):
        assert weights < len(data) < 2 * stages


def test_joined_stages_give_every_exit(bundle, frames):
    answers = GraphRunner(join_stages(bundle), optimise=True).run({"frame": frames})
    assert sorted(answers) == ["p0", "p1", "p3"]
    with Detector(bundle, device="cpu") as detector:
        for leave, name in ((1, "p0"), (2, "p1"), (4, "p3")):
            results = detector.run_batch(frames, exit_policy=ReplayExits([leave] * len(frames)))
            wanted = [list(result.probabilities.values()) for result in results]
            np.testing.assert_allclose(answers[name], wanted, atol=1e-6)


def test_a_larger_fixed_batch_has_no_one_condition(export):
    with pytest.raises(UsageProblem, match="runs 2 frames at once"):
        build_conditional(export(2))


def test_one_stage_has_nothing_to_leave_out(tmp_path):
    bundle = fake_bundle(tmp_path / "one.edgekit", task="classify", exits=1)
    with pytest.raises(UsageProblem, match="one stage"):
        build_conditional(bundle)


def test_masks_are_not_joined(tmp_path):
    with pytest.raises(UsageProblem, match="segments"):
        join_stages(fake_bundle(tmp_path / "masks.edgekit"))
