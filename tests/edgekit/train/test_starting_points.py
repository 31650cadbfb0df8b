"""The checkpoint that a run begins with, and its teacher."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from edgekit.checkpoints import load_checkpoint
from edgekit.checkpoints.format import save_checkpoint
from edgekit.models import MODELS, build_model
from edgekit.reporting import Reporter
from edgekit.train.run_folder import CheckpointRef
from edgekit.train.starting_points import load_start, load_teacher, refer_to
from edgekit_export.exportable import Normalisation
from edgekit_runtime.bundle.manifest import DataInfo, SplitInfo
from edgekit_runtime.errors import CheckpointError, UsageProblem
from tests.edgekit.conftest import make_checkpoint
from tests.edgekit.records import make_record

QUIET = Reporter(quiet=True)
SEGMENTER = MODELS.get("cheapnet-s").for_classes(("background", "defect"))
OWN = Normalisation((0.31,), (0.17,))
DATA = DataInfo(
    "plates",
    None,
    False,
    "all of them",
    {"test": "a"},
    SplitInfo(3, {"train": 0.8, "test": 0.2}, None, None, "0"),
)
FOLD = replace(DATA, parts={"test": "b"}, split=SplitInfo(7, None, 5, 2, "1"))


def save(
    folder: Path,
    model: str,
    classes: tuple[str, ...],
    normalisation: Normalisation | None = None,
    data: DataInfo | None = None,
) -> CheckpointRef:
    spec = MODELS.get(model).for_classes(classes)
    network = build_model(spec, seed=1)
    given = normalisation or Normalisation((0.5,) * spec.channels, (0.25,) * spec.channels)
    record = make_record(model, classes=classes, normal_class=classes[0], normalisation=given, data=data)
    save_checkpoint(folder, record, network.state_dict())
    return refer_to(folder)


def test_a_reference_says_where_it_was_and_what_it_held(checkpoint_folder: Path) -> None:
    found = refer_to(checkpoint_folder)
    assert found.path == str(checkpoint_folder)
    assert found.weights_sha256 == load_checkpoint(checkpoint_folder)[0].weights_sha256
    with pytest.raises(CheckpointError, match="no checkpoint"):
        refer_to(checkpoint_folder / "nowhere")


# Beginning with weights


def test_a_run_begins_with_all_weights_of_the_same_network(tmp_path: Path) -> None:
    start = save(tmp_path / "start", "cheapnet-s", ("background", "defect"))
    network = build_model(SEGMENTER, seed=2)
    load_start(network, start, SEGMENTER, QUIET, data=DATA)
    _, weights = load_checkpoint(tmp_path / "start")
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in weights.items())


def test_a_classifier_for_other_classes_keeps_its_own_last_layer(tmp_path: Path) -> None:
    start = save(tmp_path / "start", "shufflenet-v2-0.5", ("a", "b", "c", "d"))
    spec = MODELS.get("shufflenet-v2-0.5").for_classes(("x", "y"))
    network = build_model(spec, seed=2)
    fresh = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    load_start(network, start, spec, QUIET, data=DATA)
    _, weights = load_checkpoint(tmp_path / "start")
    for name, tensor in network.state_dict().items():
        expected = fresh if name.startswith("fc.") else weights
        assert torch.equal(tensor, expected[name]), name


def test_the_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    start = save(tmp_path / "start", "cheapnet-g4", ("background", "defect"))
    with pytest.raises(CheckpointError, match="do not belong to cheapnet-s"):
        load_start(build_model(SEGMENTER, seed=2), start, SEGMENTER, QUIET, data=DATA)


# Teachers


def test_a_teacher_of_another_depth_is_refused(tmp_path: Path) -> None:
    reference = save(tmp_path / "teacher", "cheapnet-g4", ("background", "defect"))
    with pytest.raises(UsageProblem, match="sees pixels of 8 bits, and those of the run have 12"):
        load_teacher(reference, SEGMENTER, OWN, bits=12, data=DATA)


def test_a_teacher_sees_the_same_pixels_although_its_normalisation_differs(tmp_path: Path) -> None:
    theirs = Normalisation((0.62,), (0.08,), 200.0)
    reference = save(tmp_path / "teacher", "cheapnet-g4", ("background", "defect"), theirs)
    teacher = load_teacher(reference, SEGMENTER, OWN, bits=8, data=DATA)
    seen = []
    teacher.network.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    pixels = torch.arange(256, dtype=torch.float32).view(1, 1, 16, 16)
    given = (pixels / 255 - OWN.mean[0]) / OWN.std[0]
    with torch.no_grad():
        teacher.eval()(given)
    expected = (pixels.double() / 200 - 0.62) / 0.08
    # float32, twice normalised: relative to values up to 8, 1e-6.
    torch.testing.assert_close(seen[0].double(), expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "classes", "student"),
    [
        ("shufflenet-v2-0.5", ("background", "defect"), SEGMENTER),
        ("unet", ("background", "defect"), SEGMENTER),
        ("shufflenet-v2-0.5", ("a", "b", "c"), MODELS.get("shufflenet-v2-0.5").for_classes(("a", "b"))),
        ("shufflenet-v2-0.5", ("b", "a"), MODELS.get("shufflenet-v2-0.5").for_classes(("a", "b"))),
    ],
    ids=["task", "channels", "number of classes", "order of classes"],
)
def test_a_teacher_of_another_question_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, classes: tuple[str, ...], student: object
) -> None:
    # Refused before the network is built: a U-Net of 31 million weights would take a while.
    monkeypatch.setattr("edgekit.train.starting_points.load_network", None)
    monkeypatch.setattr(
        "tests.edgekit.train.test_starting_points.build_model",
        lambda *_arguments, **_options: nn.Linear(1, 1),
    )
    reference = save(tmp_path / "teacher", model, classes)
    with pytest.raises(UsageProblem, match="cannot teach"):
        load_teacher(reference, student, OWN, bits=8, data=DATA)


def test_a_segmenting_teacher_may_call_the_defect_by_another_name(tmp_path: Path) -> None:
    reference = save(tmp_path / "teacher", "cheapnet-g4", ("background", "scratch"))
    assert isinstance(load_teacher(reference, SEGMENTER, OWN, bits=8, data=DATA), nn.Module)


def test_a_teacher_that_halves_more_often_is_refused(tmp_path: Path) -> None:
    reference = save(tmp_path / "teacher", "cheapnet-g4", ("background", "defect"))
    with pytest.raises(UsageProblem, match="multiples of 16"):
        load_teacher(reference, replace(SEGMENTER, multiple=8), OWN, bits=8, data=DATA)


def test_a_teacher_that_changed_since_the_run_began_is_refused(tmp_path: Path) -> None:
    reference = save(tmp_path / "teacher", "cheapnet-g4", ("background", "defect"))
    make_checkpoint(tmp_path / "teacher", model="cheapnet-g4", seed=9)
    with pytest.raises(CheckpointError, match="no longer the checkpoint that the run was begun with"):
        load_teacher(reference, SEGMENTER, OWN, bits=8, data=DATA)


# Leaks


@pytest.mark.parametrize(
    ("seen", "own", "remedy"),
    [(DATA, FOLD, "--split-seed 3,"), (FOLD, DATA, "--split-seed 7 --folds 5 --fold 2,")],
    ids=["by fractions", "by folds"],
)
def test_what_may_have_learnt_from_the_test_part_neither_begins_a_run_nor_teaches(
    tmp_path: Path, seen: DataInfo, own: DataInfo, remedy: str
) -> None:
    reference = save(tmp_path / "seen", "cheapnet-s", ("background", "defect"), data=seen)
    with pytest.raises(UsageProblem, match="another split of plates") as caught:
        load_start(build_model(SEGMENTER, seed=2), reference, SEGMENTER, QUIET, data=own)
    assert remedy in caught.value.remedy
    with pytest.raises(UsageProblem, match="another split of plates"):
        load_teacher(reference, SEGMENTER, OWN, bits=8, data=own)


@pytest.mark.parametrize(
    "seen",
    [DATA, replace(DATA, parts={"test": "a", "train": "fewer"}), replace(FOLD, fingerprint="others"), None],
    ids=["the same split", "fewer images of its training part", "other data", "unknown data"],
)
def test_what_has_not_seen_the_test_part_begins_a_run_and_teaches(
    tmp_path: Path, seen: DataInfo | None
) -> None:
    reference = save(tmp_path / "seen", "cheapnet-s", ("background", "defect"), data=seen)
    load_start(build_model(SEGMENTER, seed=2), reference, SEGMENTER, QUIET, data=DATA)
    assert isinstance(load_teacher(reference, SEGMENTER, OWN, bits=8, data=DATA), nn.Module)
