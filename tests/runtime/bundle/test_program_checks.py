"""The rules for programs, one broken at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgekit_runtime.bundle import FileInfo, Manifest, OperationInfo, PixelFormat, ProgramInfo, arrays_bytes
from edgekit_runtime.bundle.checks import find_manifest_fault
from edgekit_runtime.bundle.manifest_bytes import manifest_bytes, parse_manifest
from edgekit_runtime.bundle.program_checks import (
    MAX_CHANNELS,
    MAX_OPERATIONS,
    ProgramFault,
    count_weights,
    measure_tensors,
    parse_weights,
)
from tests.runtime.bundle.small_programs import (
    OPERATIONS,
    PROGRAM,
    SHAPES,
    WEIGHTS_FILE,
    make_weights,
    with_program,
)

HEIGHT, WIDTH = 8, 16
SIZES = measure_tensors(PROGRAM, HEIGHT, WIDTH)
STEM, DOWN, SAME, UP, HEAD = OPERATIONS


@pytest.fixture
def manifest(segment_manifest: Manifest, segment_files: dict[str, bytes]) -> Manifest:
    files = dict.fromkeys(segment_files, FileInfo("00" * 32, 1))
    return with_program(replace(segment_manifest, files=files))


def program(*operations: OperationInfo, shift: float = 0.0) -> ProgramInfo:
    return ProgramInfo(WEIGHTS_FILE, shift, operations)


def test_a_good_program_has_no_fault_and_survives_its_manifest(manifest: Manifest) -> None:
    assert find_manifest_fault(manifest) is None
    read, _ = parse_manifest(manifest_bytes(manifest), "here")
    assert read.stages[0].program == PROGRAM


def test_planning_is_not_asked_to_look_at_millions_of_channels() -> None:
    wide = replace(STEM, channels=MAX_CHANNELS)
    chain = [
        replace(wide, name=f"same{index}", inputs=("stem",) if index == 0 else (f"same{index - 1}",))
        for index in range(5)
    ]
    last = replace(HEAD, inputs=("same4",))
    with pytest.raises(ProgramFault, match="98305 channels in all"):
        measure_tensors(program(wide, *chain, last), HEIGHT, WIDTH)


def test_sizes_follow_the_strides() -> None:
    assert SIZES == {
        "frame": (1, 8, 16),
        "stem": (2, 8, 16),
        "down": (2, 4, 8),
        "same": (2, 4, 8),
        "up": (2, 8, 16),
        "head": (1, 8, 16),
    }


def test_weights_have_the_shapes_of_their_operations() -> None:
    for operation in OPERATIONS:
        assert count_weights(operation, SIZES) == SHAPES[f"{operation.name}.weight"]


def test_a_head_of_one_tensor_is_a_program() -> None:
    assert measure_tensors(program(STEM, replace(HEAD, inputs=("stem",))), HEIGHT, WIDTH)["head"] == (
        1,
        8,
        16,
    )


FAULTS: dict[str, tuple[ProgramInfo, str]] = {
    "nothing": (program(), "has 0 operations"),
    "too many": (
        program(*(replace(STEM, name=f"stem{index}") for index in range(MAX_OPERATIONS)), HEAD),
        f"has {MAX_OPERATIONS + 1} operations",
    ),
    "shift of nan": (program(*OPERATIONS, shift=math.nan), "frame_shift nan"),
    "infinite shift": (program(*OPERATIONS, shift=-math.inf), "frame_shift -inf"),
    "shift beyond float32": (program(*OPERATIONS, shift=1e39), r"frame_shift 1e\+39"),
    "a name twice": (program(STEM, STEM, HEAD), "the name 'stem' to two tensors"),
    "the frame's name": (program(replace(STEM, name="frame"), HEAD), "the name 'frame' to two tensors"),
    "no name": (program(replace(STEM, name=""), HEAD), "or to none"),
    "no head": (program(STEM), "must end with its head"),
    "two heads": (
        program(STEM, replace(HEAD, inputs=("stem",), name="first"), HEAD),
        "must end with its head",
    ),
    "an unknown input": (program(STEM, replace(HEAD, inputs=("stem", "later"))), "take stem, later"),
    "its own input": (program(replace(STEM, inputs=("stem",)), HEAD), "'stem' take stem"),
    "no input": (program(replace(STEM, inputs=()), HEAD), "'stem' take nothing"),
    "three inputs": (program(STEM, replace(HEAD, inputs=("stem",) * 3)), "not one or two tensors"),
    "no channels": (program(replace(STEM, channels=0), HEAD), "'stem' with 0 channels"),
    "too many channels": (
        program(replace(STEM, channels=MAX_CHANNELS + 1), HEAD),
        f"'stem' with {MAX_CHANNELS + 1} channels",
    ),
    "a slope below 0": (program(replace(STEM, negative_slope=-0.1), HEAD), "negative_slope -0.1"),
    "a slope above 1": (program(replace(STEM, negative_slope=1.5), HEAD), "negative_slope 1.5"),
    "a slope of nan": (program(replace(STEM, negative_slope=math.nan), HEAD), "negative_slope nan"),
    "joined sizes": (
        program(STEM, DOWN, replace(HEAD, inputs=("stem", "down"))),
        "tensors of different sizes",
    ),
    "a head of the frame": (program(replace(HEAD, inputs=("frame",))), "take the frame"),
    "a head of many": (program(STEM, replace(HEAD, inputs=("stem",), channels=2)), "the head 'head'"),
    "a head that strides": (program(STEM, replace(HEAD, inputs=("stem",), stride=2)), "the head 'head'"),
    "a head of another size": (program(STEM, DOWN, replace(HEAD, inputs=("down",))), "of another size than"),
    "a transposed one that does not double": (
        program(STEM, DOWN, replace(UP, inputs=("down",), stride=1), HEAD),
        "'up' with other than stride 2",
    ),
    "a transposed one of three per channel": (
        program(replace(STEM, channels=6), replace(DOWN, channels=6), replace(UP, inputs=("down",)), HEAD),
        "'up' with other than stride 2",
    ),
    "larger than the frame": (program(STEM, replace(UP, inputs=("stem",)), HEAD), "'up' of 16×32 pixels"),
    "a convolution of two": (
        program(STEM, replace(DOWN, inputs=("stem", "stem")), HEAD),
        "other than one input",
    ),
    "stride 3": (program(replace(STEM, stride=3), HEAD), "stride 1 or 2"),
    "not depthwise": (program(STEM, replace(DOWN, channels=4), HEAD), "'down' with 4 channels of 2"),
}


@pytest.mark.parametrize(("broken", "words"), FAULTS.values(), ids=FAULTS)
def test_programs_that_contradict_themselves(broken: ProgramInfo, words: str, manifest: Manifest) -> None:
    with pytest.raises(ProgramFault, match=words):
        measure_tensors(broken, HEIGHT, WIDTH)
    fault = find_manifest_fault(with_program(manifest, broken))
    assert fault is not None
    assert re.search(f"^the program of stage 'main' .*{words}", fault), fault


@pytest.mark.parametrize(("height", "width"), [(7, 16), (8, 15)])
def test_sides_that_are_halved_are_even(height: int, width: int) -> None:
    with pytest.raises(ProgramFault, match="both must be even"):
        measure_tensors(PROGRAM, height, width)


def test_doubling_without_end_is_refused_before_its_numbers_grow() -> None:
    ups = [UP, *(replace(UP, name=f"up{index}", inputs=(f"up{index - 1}",)) for index in range(1, 200))]
    ups[1] = replace(ups[1], inputs=("up",))
    with pytest.raises(ProgramFault, match="'up1' of 16×32 pixels, more than the frame"):
        measure_tensors(program(STEM, DOWN, SAME, *ups, HEAD), HEIGHT, WIDTH)


def other_stage(manifest: Manifest, **changes: Any) -> Manifest:
    (stage,) = manifest.stages
    return replace(manifest, stages=(replace(stage, **changes),))


PLACES: dict[str, tuple[Callable[[Manifest], Manifest], str]] = {
    "no file": (
        lambda manifest: replace(
            manifest, files={name: info for name, info in manifest.files.items() if name != WEIGHTS_FILE}
        ),
        f"names the file '{WEIGHTS_FILE}', which is not among",
    ),
    "another precision": (lambda manifest: replace(manifest, precision="fp16"), "precision is fp16"),
    "three classes": (
        lambda manifest: replace(
            manifest, model=replace(manifest.model, classes=("background", "hole", "stain"))
        ),
        "one class of defect",
    ),
    "colour": (
        lambda manifest: other_stage(
            replace(manifest, input=replace(manifest.input, pixels=PixelFormat("rgb"))),
            inputs=(
                replace(manifest.stages[0].inputs[0], shape=("N", HEIGHT, WIDTH, 3)),
                manifest.stages[0].inputs[1],
            ),
        ),
        "takes grey frames",
    ),
    "no threshold": (
        lambda manifest: other_stage(
            replace(manifest, thresholds=(), golden=()), inputs=manifest.stages[0].inputs[:1]
        ),
        "takes the frame and one threshold",
    ),
    "another output": (
        lambda manifest: other_stage(
            manifest,
            outputs=(
                *manifest.stages[0].outputs,
                replace(manifest.stages[0].outputs[0], name="scores", dtype="float32"),
            ),
        ),
        "gives the mask and nothing else",
    ),
}


@pytest.mark.parametrize(("change", "words"), PLACES.values(), ids=PLACES)
def test_bundles_that_may_hold_no_program(
    change: Callable[[Manifest], Manifest], words: str, manifest: Manifest
) -> None:
    fault = find_manifest_fault(change(manifest))
    assert fault is not None
    assert re.search(f"^the program of stage 'main' .*{words}", fault), fault


def test_a_classifying_bundle_holds_no_program(
    classify_manifest: Manifest, classify_files: dict[str, bytes]
) -> None:
    files = dict.fromkeys([*classify_files, WEIGHTS_FILE], FileInfo("00" * 32, 1))
    first, second = classify_manifest.stages
    manifest = replace(classify_manifest, files=files, stages=(replace(first, program=PROGRAM), second))
    assert "the program of stage 'exit1' is allowed in a bundle of one stage" in str(
        find_manifest_fault(manifest)
    )


def test_good_weights_are_read() -> None:
    weights = make_weights()
    read = parse_weights(arrays_bytes(weights), PROGRAM, SIZES)
    assert {name: array.tobytes() for name, array in read.items()} == {
        name: array.tobytes() for name, array in weights.items()
    }


def test_weights_in_the_form_of_numpy_are_read(tmp_path: Any) -> None:
    np.savez(tmp_path / "a.npz", **make_weights())
    assert parse_weights((tmp_path / "a.npz").read_bytes(), PROGRAM, SIZES).keys() == SHAPES.keys()


WRONG: dict[str, tuple[Callable[[dict[str, np.ndarray]], Any], str]] = {
    "one less": (lambda weights: weights.pop("up.bias"), "lacks 'up.bias'"),
    "one more": (lambda weights: weights.update(extra=np.ones(1, np.float32)), "holds 'extra', which no"),
    "another name": (
        lambda weights: weights.update({"../x": weights.pop("head.bias")}),
        r"holds '\.\./x', which no",
    ),
    "another shape": (
        lambda weights: weights.update({"stem.weight": weights["stem.weight"][:1]}),
        r"'stem\.weight' as float32 \(1, 3, 3\), not float32 \(2, 3, 3\)",
    ),
    "no axis": (
        lambda weights: weights.update({"head.bias": np.float32(1)}),
        r"'head\.bias' as float32 \(\), not float32 \(1,\)",
    ),
    "whole numbers": (
        lambda weights: weights.update({"stem.bias": np.ones(2, np.int32)}),
        r"'stem\.bias' as int32",
    ),
    "half precision": (
        lambda weights: weights.update({"stem.bias": np.ones(2, np.float16)}),
        r"'stem\.bias' as float16",
    ),
    "far too much": (
        lambda weights: weights.update(extra=np.ones(10_000, np.float32)),
        "bytes, and its operations need at most",
    ),
}


@pytest.mark.parametrize(("change", "words"), WRONG.values(), ids=WRONG)
def test_other_weights_are_refused(change: Callable[[dict[str, np.ndarray]], Any], words: str) -> None:
    weights = make_weights()
    change(weights)
    with pytest.raises(ProgramFault, match=words):
        parse_weights(arrays_bytes(weights), PROGRAM, SIZES)


def test_bytes_that_are_no_weights_are_refused() -> None:
    with pytest.raises(ProgramFault, match=r"is no \.npz file"):
        parse_weights(b"PK", PROGRAM, SIZES)
