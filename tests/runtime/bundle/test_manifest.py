"""What a manifest says between its lines: shapes, answers, the mask."""

import dataclasses

import pytest

from edgekit_runtime.bundle import InputContract, PixelFormat, TensorInfo

GREY = InputContract("image", PixelFormat(), 4, 6, 1, "refuse", 0, None, None, None)


@pytest.mark.parametrize(("batch", "rows"), [(None, "N"), (1, 1), (7, 7)])
def test_shapes_follow_channels_and_batch(batch, rows):
    grey = dataclasses.replace(GREY, batch=batch)
    assert grey.rows == rows
    assert grey.frame_shape == (4, 6)
    assert grey.graph_input == TensorInfo("image", "uint8", (rows, 4, 6))
    assert grey.mask_shape == (rows, 4, 6)
    for channels in ("rgb", "bgr"):
        colour = dataclasses.replace(grey, pixels=PixelFormat(channels=channels, bits=12, scale=4095.0))
        assert colour.frame_shape == (4, 6, 3)
        assert colour.graph_input == TensorInfo("image", "int32", (rows, 4, 6, 3))
        assert colour.mask_shape == (rows, 4, 6)


def test_answers_are_the_outputs_that_no_stage_takes(classify_manifest, segment_manifest):
    first, second = classify_manifest.stages
    assert [tensor.name for tensor in first.answers] == ["exit1_probabilities"]
    assert classify_manifest.answers == (*first.answers, *second.answers)
    assert [tensor.name for tensor in segment_manifest.answers] == ["mask"]


def test_a_mask_is_the_only_one_of_its_form(classify_manifest, segment_manifest):
    assert classify_manifest.mask_output is None
    assert segment_manifest.mask_output == "mask"
    (stage,) = segment_manifest.stages
    (mask,) = stage.outputs
    for outputs, name in (
        ((dataclasses.replace(mask, name="scores", dtype="float32"), mask), "mask"),
        ((dataclasses.replace(mask, name="small", shape=("N", 4, 8)), mask), "mask"),
        ((mask, dataclasses.replace(mask, name="mask2")), None),
        ((), None),
    ):
        changed = dataclasses.replace(stage, outputs=outputs)
        assert dataclasses.replace(segment_manifest, stages=(changed,)).mask_output == name
