from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from edgekit_export import tracing
from edgekit_export.exportable import ExportInput, ExportStage, Normalisation
from edgekit_export.graph_io import shape_of, to_bytes
from edgekit_runtime.errors import CheckpointError, UsageProblem
from tests.export.graphs import ops
from tests.export.networks import Classifier, Segmenter, settle

SIZE = (32, 48)


def test_graph_of_a_segmenter(built_segmenter):
    (graph,) = (model.graph for model in built_segmenter.traced)
    assert [value.name for value in graph.inputs] == ["image"]
    assert shape_of(graph.inputs[0]) == ("N", 1, 32, 48)
    assert [value.name for value in graph.outputs] == ["logits"]
    assert shape_of(graph.outputs[0]) == ("N", 1, 32, 48)
    assert ops(built_segmenter.traced[0]).count("BatchNormalization") == 3
    assert graph.opset_imports == {"": tracing.OPSET}


def test_names_follow_the_modules(built_segmenter):
    nodes = [node.name for node in built_segmenter.traced[0].graph]
    assert nodes[:3] == ["first.0.Conv", "first.1.BatchNormalization", "first.2.LeakyRelu"]
    assert {"first.0.weight", "up.0.bias"} <= set(built_segmenter.traced[0].graph.initializers)


def test_nothing_of_the_tracer_or_this_machine_is_in_the_bytes(built_segmenter, built_classifier):
    for model in (*built_segmenter.traced, *built_classifier.traced):
        data = to_bytes(model)
        for trace in (b"torch", b".py", b"node_", b"site-packages", b"tests", b"Segmenter"):
            assert trace not in data


def test_stages_hand_tensors_on_by_name(built_classifier):
    first, second = (model.graph for model in built_classifier.traced)
    assert [value.name for value in first.outputs] == ["features", "p1"]
    assert [value.name for value in second.inputs] == ["features"]
    assert shape_of(second.inputs[0]) == shape_of(first.outputs[0]) == ("N", 4, 16, 24)


def test_a_fixed_batch_is_in_the_graph(segmenter):
    (model,) = tracing.trace_stages(segmenter, size=SIZE, batch=3)
    assert shape_of(model.graph.outputs[0]) == (3, 1, 32, 48)


def test_the_callers_module_and_torchs_settings_are_left_alone():
    network = settle(Segmenter(), 1)
    calls = []
    network.first.register_forward_hook(lambda *_: calls.append(1))
    network.last.weight.requires_grad_(requires_grad=False)
    network.down.eval()
    before = copy.deepcopy(network.state_dict())
    training = [module.training for module in network.modules()]
    torch.set_num_threads(1)
    torch.manual_seed(5)
    wanted_random = torch.rand(1)
    torch.manual_seed(5)

    tracing.trace_stages(network, size=SIZE, batch=None)

    assert torch.equal(torch.rand(1), wanted_random)
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() is torch.float32
    assert [module.training for module in network.modules()] == training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert network.first[0].weight.requires_grad
    assert not network.last.weight.requires_grad
    assert len(network.first._forward_hooks) == 1
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_callers_default_dtype_does_not_leak_into_the_graph(segmenter, built_segmenter):
    torch.set_default_dtype(torch.float64)
    try:
        (model,) = tracing.trace_stages(segmenter, size=SIZE, batch=None)
        assert torch.get_default_dtype() is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert to_bytes(model) == to_bytes(built_segmenter.traced[0])


def test_torch_neither_prints_nor_warns(segmenter, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracing.trace_stages(segmenter, size=SIZE, batch=None)
    assert capfd.readouterr() == ("", "")


def test_the_reference_is_the_network_in_inference_mode(segmenter, grey, grey_frames):
    network = copy.deepcopy(segmenter).eval()
    image = (torch.from_numpy(grey_frames)[:, None].float() / 255 - 0.348) / 0.278
    with torch.no_grad():
        wanted = network(image).numpy()
    assert segmenter.training
    got = tracing.Reference(segmenter, grey).run(grey_frames)
    np.testing.assert_allclose(got["logits"], wanted, atol=1e-6)


def test_the_reference_puts_the_thread_count_back(segmenter, grey, grey_frames):
    torch.set_num_threads(2)
    try:
        tracing.Reference(segmenter, grey).run(grey_frames[:1])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_the_reference_normalises_each_colour(class_segmenter, colour, colour_frames):
    image = torch.from_numpy(colour_frames).permute(0, 3, 1, 2).double() / 255
    mean, std = (torch.tensor(item).double().reshape(1, 3, 1, 1) for item in (colour.mean, colour.std))
    network = copy.deepcopy(class_segmenter).double().eval()
    with torch.no_grad():
        wanted = network((image - mean) / std).numpy()
    got = tracing.Reference(class_segmenter, colour).run(colour_frames)["logits"]
    np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_the_reference_answers_every_output_of_every_stage(classifier, grey, grey_frames):
    outputs = tracing.Reference(classifier, grey).run(grey_frames)
    assert {name: array.shape for name, array in outputs.items()} == {
        "features": (3, 4, 16, 24),
        "p1": (3, 3),
        "p2": (3, 3),
    }


class FixedDtype(Segmenter):
    def forward(self, image):
        return super().forward(image.float())


def test_a_forward_that_fixes_its_dtype_has_no_float64(grey, grey_frames):
    network = settle(FixedDtype(), 1)
    assert tracing.Reference(network, grey, double=True).run_if_possible(grey_frames) is None
    assert tracing.Reference(network, grey).run_if_possible(grey_frames) is not None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(value):
    network = Segmenter()
    network.down[1].running_var[2] = value
    with pytest.raises(CheckpointError, match=r"'down\.1\.running_var' holds 1 values"):
        tracing.check_finite(network)
    tracing.check_finite(Segmenter())


class FixedRows(Segmenter):
    def forward(self, image):
        return super().forward(image).reshape(2, 1, 32, 48)


def test_a_network_that_fixes_its_batch_is_told_so():
    with pytest.raises(UsageProblem, match="dynamic batch") as caught:
        tracing.trace_stages(FixedRows(), size=SIZE, batch=None)
    assert "--batch 1" in caught.value.remedy


class OneTooMany(Segmenter):
    def stages(self):
        return (ExportStage("main", self, ("image",), ("logits", "more")),)


class ClassIndex(Segmenter):
    def forward(self, image):
        return super().forward(image).argmax(dim=1)


class Scalar(Segmenter):
    def forward(self, image):
        return super().forward(image).mean()


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (OneTooMany, "names 2 outputs"),
        (ClassIndex, r"must be float with one row per image, got torch\.int64"),
        (Scalar, "must be float with one row per image"),
    ],
)
def test_outputs_that_are_not_what_was_stated(network, message, grey, grey_frames):
    with pytest.raises(UsageProblem, match=message):
        tracing.Reference(network(), grey).run(grey_frames)


def test_a_module_that_cannot_be_copied():
    network = Segmenter()
    network.kept = network(torch.zeros(1, 1, 32, 48))
    with pytest.raises(UsageProblem, match="cannot be copied"):
        tracing.copy_model(network)


def test_exportable_needs_a_torch_module_and_the_three_names():
    class Lookalike:
        task = "segment"

        def export_input(self):
            return ExportInput()

        def stages(self):
            return ()

    assert tracing.is_exportable(Segmenter())
    assert tracing.is_exportable(Classifier())
    assert not tracing.is_exportable(nn.Conv2d(1, 1, 1))
    assert not tracing.is_exportable(Lookalike())


def test_a_half_precision_module_on_export_is_float32(grey, grey_frames):
    outputs = tracing.Reference(settle(Segmenter(), 1).half(), Normalisation((0.3,), (0.2,))).run(grey_frames)
    assert outputs["logits"].dtype == np.float32
