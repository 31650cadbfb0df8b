from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgekit_export import tracing
from edgekit_export.stage_info import describe_input, describe_stages
from edgekit_runtime.bundle import TensorInfo
from edgekit_runtime.errors import UsageProblem
from tests.export.building import model_info


def describe(network, normalisation, outputs, info, batch=None):
    entry, stages = tracing.read_contract(network)
    contract = describe_input(entry, normalisation, size=(32, 48), batch=batch, mm_per_pixel=None)
    return describe_stages(stages, outputs, contract, info, [(1, 2)] * len(stages))


def test_a_segmenter(segmenter, grey, built_segmenter):
    (info,) = describe(segmenter, grey, built_segmenter.expected.outputs, model_info("segment", 1))
    assert info.inputs == (
        TensorInfo("frame", "uint8", ("N", 32, 48)),
        TensorInfo("threshold", "float32", ()),
    )
    assert info.outputs == (TensorInfo("mask", "uint8", ("N", 32, 48)),)
    assert (info.file, info.macs, info.weight_bytes) == ("main.onnx", 1, 2)


def test_colour_and_a_fixed_batch(class_segmenter, colour, built_class_segmenter):
    outputs = built_class_segmenter.expected.outputs
    (info,) = describe(class_segmenter, colour, outputs, model_info("segment", 3), batch=4)
    assert info.inputs[0] == TensorInfo("frame", "uint8", (4, 32, 48, 3))
    assert info.outputs[0] == TensorInfo("mask", "uint8", (4, 32, 48))


def test_two_classes_may_come_as_two_channels(class_segmenter, colour):
    info = dataclasses.replace(model_info("segment", 3), classes=("background", "defect"))
    outputs = {"logits": np.zeros((1, 2, 32, 48), np.float32)}
    assert describe(class_segmenter, colour, outputs, info)[0].outputs[0].name == "mask"


@pytest.mark.parametrize("shape", [(1, 2, 32, 48), (1, 3, 16, 24), (1, 1, 32, 48)])
def test_logits_that_do_not_fit_the_classes(class_segmenter, colour, shape):
    with pytest.raises(UsageProblem, match="With 3 classes the output 'logits'"):
        describe(class_segmenter, colour, {"logits": np.zeros(shape, np.float32)}, model_info("segment", 3))


def test_probabilities_that_do_not_fit_the_classes(classifier, grey, built_classifier):
    with pytest.raises(UsageProblem, match="With 2 classes the output 'p1'"):
        describe(classifier, grey, built_classifier.expected.outputs, model_info("classify", 1))


def test_exits_and_carried_tensors(built_classifier):
    first, second = built_classifier.infos
    assert first.carries == ("features",)
    assert second.inputs == (first.outputs[0],) == (TensorInfo("features", "float32", ("N", 4, 16, 24)),)
    assert (first.exit.output, first.exit.threshold, second.exit.output) == ("p1", 0.6, "p2")
