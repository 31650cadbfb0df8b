from __future__ import annotations

import torch
from torch.nn import functional as F

from edgekit_export import tracing
from edgekit_export.graph_io import shape_of
from tests.export.graphs import ops
from tests.export.networks import Segmenter


def trace(network):
    return tracing.trace_stages(network, size=(32, 48), batch=None)


def test_a_flatten_is_one_reshape_with_a_constant_target(built_classifier):
    for model in built_classifier.traced:
        assert not {"Shape", "Squeeze", "Concat", "Gather", "Constant"} & set(ops(model))
        for node in model.graph:
            assert all(isinstance(size, int) or size == "N" for size in shape_of(node.outputs[0]))


class Resizing(Segmenter):
    """Shapes that depend on the batch, and constants made in forward."""

    def forward(self, image):
        small = F.interpolate(image, scale_factor=0.5, mode="bilinear", align_corners=False)
        weights = torch.tensor([2.0]).reshape(1, 1, 1, 1)
        return super().forward(F.interpolate(small, size=image.shape[2:], mode="nearest") * weights)


def test_constants_are_folded():
    (model,) = trace(Resizing())
    assert not {"Constant", "Identity", "Cast"} & set(ops(model))
    assert shape_of(model.graph.outputs[0]) == ("N", 1, 32, 48)


class Twice(Segmenter):
    """One module, used twice: its nodes need two names."""

    def forward(self, image):
        return super().forward(super().forward(image))


def test_every_node_and_value_has_a_name_of_its_own():
    (model,) = trace(Twice())
    nodes = [node.name for node in model.graph]
    assert {"first.0.Conv", "first.0.Conv_1"} <= set(nodes)
    values = [value.name for node in model.graph for value in node.outputs]
    assert len(set(nodes)) == len(nodes)
    assert len(set(values)) == len(values)


def test_stage_wrappers_keep_the_names_of_their_parts(built_classifier):
    names = set(built_classifier.traced[0].graph.initializers)
    assert {"trunk.0.weight", "head.linear.bias"} <= names
