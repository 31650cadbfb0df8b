"""Which graphs become programs, what these say, and why others do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgekit_export.exportable import Normalisation
from edgekit_export.fusing.matching import match_program
from edgekit_export.fusing.program import NoProgram, Program
from edgekit_export.fusing.reference import evaluate_program
from edgekit_export.fusing.stage_program import find_program
from edgekit_export.stage_info import describe_input
from edgekit_export.tracing import read_contract
from edgekit_runtime.bundle import OperationInfo
from edgekit_runtime.bundle.program_checks import count_weights, measure_tensors
from tests.export.building import Built, build, model_info
from tests.export.fusing.networks import QUICK, WITH_PROGRAM, WITHOUT_PROGRAM, DownAgain, SmallU
from tests.export.networks import settle

SIZE = (32, 48)


def match(built: Built, size: tuple[int, int] = SIZE) -> Program:
    return match_program(built.rewritten[0].plain.graph, file="main.fused.npz", size=size)


@pytest.fixture(params=WITH_PROGRAM, scope="module")
def built(request, grey, grey_frames) -> Built:
    return build(settle(WITH_PROGRAM[request.param](), 1), grey, grey_frames, classes=1)


def test_the_program_answers_like_torch(built):
    answer = evaluate_program(match(built), built.expected.frames)
    difference = answer.logits - built.expected.outputs["logits"]
    assert np.abs(difference).max() <= built.expected.bounds["logits"]


def test_weights_are_those_that_the_operations_take(built):
    program = match(built)
    sizes = measure_tensors(program.info, *SIZE)
    wanted = {
        f"{operation.name}.{part}": shape
        for operation in program.info.operations
        for part, shape in (("weight", count_weights(operation, sizes)), ("bias", (operation.channels,)))
    }
    assert {name: array.shape for name, array in program.weights.items()} == wanted
    assert {array.dtype for array in program.weights.values()} == {np.dtype(np.float32)}


def test_what_the_program_says(grey, grey_frames):
    network = settle(SmallU(3, activation=lambda: nn.LeakyReLU(0.25)), 1)
    program = match(build(network, grey, grey_frames, classes=1))
    assert program.info.weights == "main.fused.npz"
    assert program.info.frame_shift == pytest.approx(0.348 * 255)
    assert program.info.frame_shift == float(np.float32(program.info.frame_shift))
    assert program.info.operations == (
        OperationInfo("stem", "convolution", ("frame",), 3, 1, 0.25),
        OperationInfo("down1", "convolution", ("stem",), 3, 2, 0.25),
        OperationInfo("same", "convolution", ("down1",), 3, 1, 0.25),
        OperationInfo("down2", "convolution", ("same",), 3, 2, 0.25),
        OperationInfo("up2", "transposed", ("down2",), 3, 2, 0.25),
        OperationInfo("up1", "transposed", ("same", "up2"), 3, 2, 0.25),
        OperationInfo("head", "head", ("stem", "up1"), 1, 1, 1.0),
    )


def test_relu_is_a_slope_of_nought_and_no_bias_is_nought(grey, grey_frames):
    network = settle(SmallU(2, activation=nn.ReLU, norm=False, bias=False), 1)
    program = match(build(network, grey, grey_frames, classes=1))
    assert [operation.negative_slope for operation in program.info.operations] == [0.0] * 6 + [1.0]
    assert not any(array.any() for name, array in program.weights.items() if name.endswith(".bias"))


def test_a_mean_of_nought_is_no_shift(grey_frames):
    built = build(settle(SmallU(), 1), Normalisation((0.0,), (0.5,)), grey_frames, classes=1)
    program = match(built)
    assert program.info.frame_shift == 0.0
    answer = evaluate_program(program, built.expected.frames)
    assert np.abs(answer.logits - built.expected.outputs["logits"]).max() <= built.expected.bounds["logits"]


def test_chosen_rewrites_do_not_show(grey, grey_frames):
    network = settle(SmallU(2, activation=nn.ReLU), 1)
    plain, rewritten = (
        build(network, grey, grey_frames, classes=1, rewrites=rewrites)
        for rewrites in (frozenset(), frozenset({"subpixel"}))
    )
    assert plain.graphs != rewritten.graphs
    first, second = match(plain), match(rewritten)
    assert first.info == second.info
    for name, array in first.weights.items():
        np.testing.assert_array_equal(second.weights[name], array)


class Same(SmallU):
    """The padding that torch names instead of counting."""

    def __init__(self) -> None:
        super().__init__()
        self.stem[0] = nn.Conv2d(1, 2, 3, padding="same")


def test_padding_named_same_is_a_pixel_on_each_side(grey, grey_frames):
    built = build(settle(Same(), 1), grey, grey_frames, classes=1)
    answer = evaluate_program(match(built), built.expected.frames)
    assert np.abs(answer.logits - built.expected.outputs["logits"]).max() <= built.expected.bounds["logits"]


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in WITHOUT_PROGRAM],
)
def test_other_networks_have_none_and_it_says_why(name, grey, grey_frames):
    make, reason = WITHOUT_PROGRAM[name]
    built = build(settle(make(), 1), grey, grey_frames, classes=1)
    with pytest.raises(NoProgram, match=reason):
        match(built)


def test_sides_that_cannot_be_halved_are_a_reason(grey, grey_frames):
    built = build(settle(SmallU(joined=False, stem_stride=2), 1), grey, grey_frames, classes=1)
    with pytest.raises(NoProgram, match="both must be even"):
        match(built, size=(33, 48))


@pytest.mark.parametrize(
    ("name", "classes", "reason"),
    [
        ("classifier", 3, "a network that classifies"),
        ("class_segmenter", 3, "frames in colour"),
        ("segmenter", 1, "of 4 channels in 2 groups that gives 2"),
    ],
)
def test_bundles_that_hold_none(name, classes, reason, request, grey):
    network, built = request.getfixturevalue(name), request.getfixturevalue(f"built_{name}")
    entry, _ = read_contract(network)
    contract = describe_input(entry, grey, size=SIZE, batch=None, mm_per_pixel=None)
    with pytest.raises(NoProgram, match=reason):
        find_program(built.infos, built.rewritten, contract, model_info(network.task, classes))


def test_stages_and_classes_that_rule_a_program_out(grey, grey_frames):
    built = build(settle(SmallU(), 1), grey, grey_frames, classes=1)
    entry, _ = read_contract(SmallU())
    contract = describe_input(entry, grey, size=SIZE, batch=None, mm_per_pixel=None)
    with pytest.raises(NoProgram, match="2 stages"):
        find_program(built.infos * 2, built.rewritten * 2, contract, model_info("segment", 1))
    with pytest.raises(NoProgram, match="3 classes"):
        find_program(built.infos, built.rewritten, contract, model_info("segment", 3))
    program = find_program(built.infos, built.rewritten, contract, model_info("segment", 1))
    assert program.info.weights == "main.fused.npz"


def test_a_form_that_the_backend_does_not_plan_is_a_reason(grey, grey_frames):
    built = build(settle(DownAgain(), 1), grey, grey_frames, classes=1)
    entry, _ = read_contract(DownAgain())
    contract = describe_input(entry, grey, size=SIZE, batch=None, mm_per_pixel=None)
    assert match(built)
    with pytest.raises(NoProgram, match="the backend does not plan: it goes down again"):
        find_program(built.infos, built.rewritten, contract, model_info("segment", 1))


def test_a_module_that_is_used_twice_gives_two_operations(grey, grey_frames):
    class Twice(SmallU):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            stem = self.stem(image)
            return self.head(torch.cat([stem, self.same(self.same(stem))], dim=1))

    built = build(settle(Twice(), 1), grey, grey_frames, classes=1)
    program = match(built)
    assert [operation.name for operation in program.info.operations] == ["stem", "same.0", "same.0_1", "head"]
    answer = evaluate_program(program, built.expected.frames)
    assert np.abs(answer.logits - built.expected.outputs["logits"]).max() <= built.expected.bounds["logits"]
