from __future__ import annotations

import copy

import pytest
import torch

from edgekit_export.graph_io import from_bytes, to_bytes
from edgekit_export.passes import editing
from edgekit_export.targets import Preference
from tests.export.building import build
from tests.export.graphs import ops


def test_what_a_segmenter_becomes(built_segmenter):
    model = from_bytes(built_segmenter.graphs[0])
    assert ops(model) == [
        *("Cast", "Unsqueeze", "Sub"),
        *("Conv", "LeakyRelu", "Conv", "LeakyRelu", "ConvTranspose", "LeakyRelu", "Concat", "Conv"),
        *("Squeeze", "Less", "Not", "Cast"),
    ]


def test_an_unpadded_first_convolution_takes_the_whole_normalisation(built_class_segmenter):
    assert ops(from_bytes(built_class_segmenter.graphs[0]))[:3] == ["Cast", "Transpose", "Conv"]


def test_later_stages_keep_their_inputs(built_classifier):
    second = from_bytes(built_classifier.graphs[1])
    assert [value.name for value in second.graph.inputs] == ["features"]
    assert ops(second)[:2] == ["Conv", "LeakyRelu"]


def test_macs_are_those_of_the_network_whatever_is_rewritten(built_segmenter):
    (stage,) = built_segmenter.rewritten
    assert stage.macs == 32 * 48 * (4 * 9 + 9 + 18 + 8)
    weights = from_bytes(stage.data).graph.initializers.values()
    assert stage.weight_bytes == sum(value.const_value.nbytes for value in weights)


@pytest.mark.parametrize(
    ("preferred", "left"),
    [
        ([Preference("subpixel")], 0),
        ([Preference("subpixel", "narrow")], 0),
        ([Preference("subpixel", "narrow and ungrouped")], 1),
        ([], 1),
    ],
)
def test_a_targets_rewrites_are_applied_where_they_are_meant(segmenter, grey, grey_frames, preferred, left):
    """Its transposed convolution has four channels in two groups."""
    (stage,) = build(segmenter, grey, grey_frames, classes=1, preferred=preferred).rewritten
    assert ops(from_bytes(stage.data)).count("ConvTranspose") == left
    assert ops(stage.plain).count("ConvTranspose") == 1


@pytest.mark.parametrize(("network", "groups"), [("segmenter", 0), ("classifier", 0)])
def test_grouped_convolutions_are_written_as_dense_where_an_activation_follows(
    request, grey, grey_frames, network, groups
):
    built = build(
        request.getfixturevalue(network),
        grey,
        grey_frames,
        classes=1 if network == "segmenter" else 3,
        preferred=[Preference("dense", "grouped and activated")],
    )
    (stage, *_) = built.rewritten
    grouped = [node for node in from_bytes(stage.data).graph if editing.int_attribute(node, "group", 1) > 1]
    assert len(grouped) == groups
    before = [node for node in stage.plain.graph if editing.int_attribute(node, "group", 1) > 1]
    assert len(before) == (2 if network == "segmenter" else 0)


def test_grouped_convolutions_without_an_activation_stay(segmenter, grey, grey_frames):
    quiet = copy.deepcopy(segmenter)
    for block in (quiet.down, quiet.up):
        block[2] = torch.nn.Identity()
    preferred = [Preference("dense", "grouped and activated")]
    (stage,) = build(quiet, grey, grey_frames, classes=1, preferred=preferred).rewritten
    grouped = [node for node in from_bytes(stage.data).graph if editing.int_attribute(node, "group", 1) > 1]
    assert len(grouped) == 2


def test_what_a_network_does_not_admit_is_left_out_unless_it_was_chosen(
    segmenter, grey, grey_frames, monkeypatch
):
    from onnx_ir.passes import PreconditionError

    from edgekit_export.passes.subpixel import Subpixel
    from edgekit_runtime.errors import UsageProblem

    def refuse(_self, _model):
        raise PreconditionError("not this one")

    monkeypatch.setattr(Subpixel, "requires", refuse)
    (stage,) = build(segmenter, grey, grey_frames, classes=1, preferred=[Preference("subpixel")]).rewritten
    assert "ConvTranspose" in ops(from_bytes(stage.data))
    with pytest.raises(UsageProblem, match="not this one"):
        build(segmenter, grey, grey_frames, classes=1, rewrites=frozenset({"subpixel"}))


def test_the_core_finishes_to_the_graph(built_segmenter):
    (stage,) = built_segmenter.rewritten
    assert to_bytes(stage.finish([], stage.feeds)) == stage.data
