from __future__ import annotations

from edgekit_export.graph_io import from_bytes
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
