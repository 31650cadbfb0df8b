"""Pixels deeper than 8 bits through an export, in every precision, to the masks of a detector."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from torch import nn

from edgekit_export import export_bundle
from edgekit_export.compiling import compile_stages, make_check
from edgekit_export.exportable import Normalisation
from edgekit_export.precision.request import Calibration, PrecisionRequest
from edgekit_runtime import Bundle, Detector, verify_bundle
from edgekit_runtime.bundle import ModelInfo, Provenance
from edgekit_runtime.errors import FrameError, UsageProblem
from tests.export.fusing.networks import SmallU
from tests.export.networks import settle

MODEL = ModelInfo("of-the-tests", "segment", ("background", "defect"), "background", "none", 0)
THRESHOLDS = (-0.5, 0.0, 0.25, 1.0)


def export(network, normalisation, frames, path, *, precision="fp32", bits=8, **choices):
    calibration = Calibration(frames, "test frames", "00" * 32) if precision == "int8" else None
    report = export_bundle(
        network,
        out=path,
        name="deep",
        model_info=MODEL,
        normalisation=normalisation,
        samples=list(frames),
        provenance=Provenance("untrained", "0" * 64, "", None),
        precision=PrecisionRequest(precision, calibration, max_drop=100),
        bits=bits,
        **choices,
    )
    return report.path


def answer(path, frames, *, backend="onnxruntime"):
    masks = []
    for threshold in THRESHOLDS:
        with Detector(path, backend=backend, thresholds={"threshold": threshold}) as detector:
            masks += [result.mask for result in detector.run_batch(frames)]
    return np.stack(masks)


@pytest.mark.parametrize(
    ("bits", "precision"),
    [
        (12, "fp32"),
        *(
            pytest.param(bits, precision, marks=pytest.mark.slow)
            for bits, precision in ((16, "fp32"), (12, "fp16"), (16, "fp16"), (12, "int8"), (16, "int8"))
        ),
    ],
)
def test_an_image_has_the_same_mask_at_any_depth(segmenter, grey, grey_frames, tmp_path, bits, precision):
    shallow = export(segmenter, grey, grey_frames, tmp_path / "shallow.edgekit", precision=precision)
    shift = bits - 8
    scaled = dataclasses.replace(grey, scale=grey.scale * 2**shift)
    frames = grey_frames.astype(np.uint16) << shift
    deep = export(segmenter, scaled, frames, tmp_path / "deep.edgekit", precision=precision, bits=bits)
    expected = answer(shallow, grey_frames)
    assert 0.01 < expected.mean() < 0.99
    # By a power of two every number of the one graph is that of the other.
    np.testing.assert_array_equal(answer(deep, frames), expected)
    contract = Bundle.open(deep).manifest.input
    assert (contract.pixels.bits, contract.pixels.scale) == (bits, scaled.scale)
    assert contract.graph_input.dtype == "int32"


def test_golden_frames_are_the_cameras_own_and_verify_like_a_lines(segmenter, grey, grey_frames, tmp_path):
    frames = grey_frames.astype(np.uint16) * 16 + 7
    numbers = Normalisation(grey.mean, grey.std, 4095.0)
    path = export(segmenter, numbers, frames, tmp_path / "deep.edgekit", bits=12)
    bundle = Bundle.open(path)
    golden = bundle.read_array(bundle.manifest.golden[0].frame)
    assert golden.dtype == np.uint16
    assert any(np.array_equal(golden, frame) for frame in frames)
    report = verify_bundle(path, backend="onnxruntime")
    assert report.ok, report.checks
    with Detector(path) as detector:
        with pytest.raises(FrameError, match=r"uint16 of 12 bits .*got uint8"):
            detector(grey_frames[0])
        with pytest.raises(FrameError, match="holds the value 4096"):
            detector(np.full((32, 48), 4096, np.uint16))


@pytest.mark.parametrize("precision", ["fp16", pytest.param("int8", marks=pytest.mark.slow)])
def test_the_brightest_of_16_bits_is_finite_below_fp32(segmenter, grey, grey_frames, tmp_path, precision):
    frames = grey_frames.astype(np.uint16) * 257
    frames[:, :16] = 65535
    frames[:, 16:18] = 0
    numbers = Normalisation(grey.mean, grey.std, 65535.0)
    paths = [
        export(segmenter, numbers, frames, tmp_path / f"{name}.edgekit", precision=name, bits=16)
        for name in ("fp32", precision)
    ]
    expected, found = (answer(path, frames) for path in paths)
    # A NaN is a defect: all of the bright half would be one at the highest threshold.
    assert (found != expected).mean() < (0.01 if precision == "fp16" else 0.1)


@pytest.mark.parametrize("bits", [12, pytest.param(16, marks=pytest.mark.slow)])
def test_the_fused_program_answers_at_any_depth_alike(grey, grey_frames, tmp_path, bits):
    segmenter = settle(SmallU(2, activation=lambda: nn.LeakyReLU(0.25)), 1, seed=1)
    shallow = export(segmenter, grey, grey_frames, tmp_path / "shallow.edgekit")
    scaled = dataclasses.replace(grey, scale=grey.scale * 2 ** (bits - 8))
    frames = grey_frames.astype(np.uint16) << (bits - 8)
    deep = export(segmenter, scaled, frames, tmp_path / "deep.edgekit", bits=bits)
    (stage,), (plain,) = (Bundle.open(path).manifest.stages for path in (deep, shallow))
    assert stage.program is not None
    assert stage.program.frame_shift == plain.program.frame_shift * 2 ** (bits - 8)
    np.testing.assert_array_equal(
        answer(deep, frames, backend="fused"), answer(shallow, grey_frames, backend="fused")
    )
    assert verify_bundle(deep, backend="fused").ok


def test_a_grey_formula_is_recorded_and_obeyed(segmenter, grey, grey_frames, tmp_path):
    path = export(segmenter, grey, grey_frames, tmp_path / "luma.edgekit", grey="bt601")
    assert Bundle.open(path).manifest.input.pixels.grey == "bt601"
    colours = np.repeat(grey_frames[0][:, :, None], 3, axis=2)
    red = colours.copy()
    red[:, :, 1:] = 0
    with Detector(path) as detector:
        np.testing.assert_array_equal(detector(colours).mask, detector(grey_frames[0]).mask)
        by_hand = ((19595 * red[:, :, 0].astype(np.int64) + 32768) >> 16).astype(np.uint8)
        np.testing.assert_array_equal(detector(red).mask, detector(by_hand).mask)


def test_frames_and_choices_that_contradict_the_depth_are_refused(
    segmenter, class_segmenter, grey, colour, grey_frames, tmp_path
):
    path = tmp_path / "no.edgekit"
    deep = grey_frames.astype(np.uint16)
    with pytest.raises(FrameError, match=r"Sample 0 must be uint16 of 12 bits .*got uint8"):
        export(segmenter, grey, grey_frames, path, bits=12)
    with pytest.raises(FrameError, match=r"Sample 0 must be uint8 .*got uint16"):
        export(segmenter, grey, deep, path)
    with pytest.raises(FrameError, match=r"Sample 1 holds the value 1024"):
        export(segmenter, grey, np.stack([deep[0], deep[1] * 0 + 1024]), path, bits=10)
    with pytest.raises(UsageProblem, match="1 to 16 bits, got 17"):
        export(segmenter, grey, deep, path, bits=17)
    with pytest.raises(UsageProblem, match="no grey formula 'luma'"):
        export(segmenter, grey, grey_frames, path, grey="luma")
    with pytest.raises(UsageProblem, match="takes rgb frames"):
        export(class_segmenter, colour, grey_frames, path, grey="bt601")
    assert not path.exists()


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_tensorrt_rtx_compiles_deep_frames(segmenter, grey, grey_frames, tmp_path, precision):
    pytest.importorskip("tensorrt_rtx", reason="compiling needs TensorRT-RTX (edgekit[tensorrt-rtx])")
    numbers = Normalisation(grey.mean, grey.std, 4095.0)
    frames = grey_frames.astype(np.uint16) * 16
    path = export(
        segmenter,
        numbers,
        frames,
        tmp_path / "deep.edgekit",
        precision=precision,
        bits=12,
        batch=1,
        target="tensorrt",
    )
    bundle = Bundle.open(path)
    stages = [(stage, bundle.read(stage.file)) for stage in bundle.manifest.stages]
    check = make_check(compile_stages(stages, batches=None))
    assert not check.faults
