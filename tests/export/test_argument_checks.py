from __future__ import annotations

import numpy as np
import pytest

from edgekit_export import argument_checks
from edgekit_export.exportable import ExportExit, ExportInput, ExportStage, Normalisation
from edgekit_export.stage_info import describe_input
from edgekit_runtime.errors import FrameError, UsageProblem


@pytest.mark.parametrize(
    ("size", "multiple", "nearest"),
    [
        ((500, 512), 16, "496x512"),
        ((505, 520), 16, "512x512"),
        ((3, 5), 16, "16x16"),
        ((0, 32), 16, "16x32"),
        ((-16, 32), 16, "16x32"),
    ],
)
def test_the_remedy_names_the_nearest_size(size, multiple, nearest):
    with pytest.raises(UsageProblem) as caught:
        argument_checks.check_size(size, multiple)
    assert nearest in caught.value.remedy
    argument_checks.check_size(tuple(map(int, nearest.split("x"))), multiple)


@pytest.mark.parametrize("batch", [0, -1])
def test_batch(batch):
    with pytest.raises(UsageProblem):
        argument_checks.check_batch(batch)
    argument_checks.check_batch(1)
    argument_checks.check_batch(None)


@pytest.mark.parametrize(
    "numbers",
    [
        Normalisation((0.1, 0.2), (0.3,)),
        Normalisation((0.1,), (0.3, 0.3)),
        Normalisation((), (0.3,)),
        Normalisation((0.1,), (0.0,)),
        Normalisation((0.1,), (-1.0,)),
        Normalisation((float("nan"),), (0.3,)),
        Normalisation((0.1,), (float("inf"),)),
        Normalisation((0.1,), (0.3,), scale=0.0),
    ],
)
def test_normalisation(numbers):
    with pytest.raises(UsageProblem):
        argument_checks.check_normalisation(numbers, 3)
    argument_checks.check_normalisation(Normalisation((0.1,), (0.3,)), 3)
    argument_checks.check_normalisation(Normalisation((0.1,) * 3, (0.3,) * 3), 3)


def contract(channels):
    return describe_input(
        ExportInput(channels), Normalisation((0.1,), (0.3,)), size=(32, 48), batch=None, mm_per_pixel=None
    )


@pytest.mark.parametrize(
    ("channels", "sample"),
    [
        ("grey", np.zeros((32, 48, 3), np.uint8)),
        ("grey", np.zeros((32, 47), np.uint8)),
        ("grey", np.zeros((32, 48), np.float32)),
        ("rgb", np.zeros((32, 48), np.uint8)),
        ("bgr", np.zeros((32, 48, 4), np.uint8)),
    ],
)
def test_samples_that_do_not_fit_are_named(channels, sample):
    good = np.zeros((32, 48) if channels == "grey" else (32, 48, 3), np.uint8)
    with pytest.raises(FrameError, match="Sample 1 must be uint8"):
        argument_checks.check_samples([good, sample], contract(channels))


def test_at_least_one_sample():
    with pytest.raises(UsageProblem, match="at least one sample"):
        argument_checks.check_samples([], contract("grey"))


def test_thresholds():
    assert argument_checks.check_threshold({}, "segment") == 0.0
    assert argument_checks.check_threshold({"threshold": 0.1}, "segment") == float(np.float32(0.1))
    assert argument_checks.check_threshold({}, "classify") is None
    for thresholds, task in (
        ({"treshold": 0.1}, "segment"),
        ({"threshold": 0.1}, "classify"),
        ({"threshold": float("nan")}, "segment"),
        ({"threshold": 1e300}, "segment"),
    ):
        with pytest.raises(UsageProblem):
            argument_checks.check_threshold(thresholds, task)


def stage(name="main", inputs=("image",), outputs=("logits",), **more) -> ExportStage:
    return ExportStage(name, None, inputs, outputs, **more)


def leave(output: str, threshold: float = 0.5) -> ExportExit:
    return ExportExit(output, threshold)


FIRST = stage("one", outputs=("f", "p1"), carries=("f",), exit=leave("p1"))
LAST = stage("two", ("f",), ("p2",), exit=leave("p2"))


def test_stages_that_fit():
    argument_checks.check_stages([stage()], "segment")
    argument_checks.check_stages(
        [stage("one", outputs=("f",), carries=("f",)), stage("two", ("f",))], "segment"
    )
    argument_checks.check_stages([FIRST, LAST], "classify")


@pytest.mark.parametrize(
    ("stages", "task", "rule"),
    [
        ([], "segment", "there is none"),
        ([stage("../main")], "segment", "must be up to 60"),
        ([stage("Main")], "segment", "must be up to 60"),
        ([stage(inputs=("a", "b"))], "segment", "the image alone"),
        ([stage(outputs=())], "segment", "has no output"),
        ([stage(outputs=("mask",))], "segment", "reserved"),
        ([stage(outputs=("image",))], "segment", "an input's name"),
        ([stage(outputs=("heat",))], "segment", "the one output 'logits'"),
        ([stage(outputs=("logits", "more"))], "segment", "the one output 'logits'"),
        ([stage(exit=leave("logits"))], "segment", "has an exit"),
        ([stage(carries=("logits",))], "segment", "to no stage"),
        ([stage(carries=("other",))], "segment", "none of its outputs"),
        ([stage("one", outputs=("p",), exit=leave("p")), LAST], "classify", "carries nothing"),
        ([FIRST, stage("two", ("g",), ("p2",), exit=leave("p2"))], "classify", "takes g"),
        ([FIRST, stage("two", ("f",), ("p1",), exit=leave("p1"))], "classify", "two outputs"),
        ([FIRST, stage("one", ("f",), ("p2",), exit=leave("p2"))], "classify", "two stages"),
        ([FIRST, stage("two", ("f",), ("p2",))], "classify", "needs an exit"),
        ([stage(outputs=("p",), exit=leave("q"))], "classify", "must be one of its outputs"),
        ([stage(outputs=("p",), exit=leave("p", 1.5))], "classify", "outside 0 to 1"),
    ],
)
def test_stages_that_do_not_fit(stages, task, rule):
    with pytest.raises(UsageProblem, match=rule):
        argument_checks.check_stages(stages, task)
