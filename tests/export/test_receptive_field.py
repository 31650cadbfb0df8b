"""How far a network looks, against what it does: impulses, and tiles beside the whole."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from edgekit.models.cheapnet import CheapNet
from edgekit.models.unet import make_half_unet, make_los_unet
from edgekit_export.exportable import ExportInput, ExportStage
from edgekit_export.receptive_field import Reach, find_default_overlap, find_reach
from edgekit_export.tracing import trace_stages
from edgekit_runtime.errors import UsageProblem
from tests.export.graphs import make_graph, run
from tests.export.layers import DOWNS, HEIGHT, UPS, build_network, networks

TILE, WHOLE = 96, 288


def measure_impulses(graph, width):
    """Return how far from an impulse an output differs from 0, for impulses at every phase."""
    middle, phases = width // 2, 8
    images = np.zeros((phases, HEIGHT, width), np.float32)
    for phase in range(phases):
        images[phase, :, middle + phase] = 1
    answers = run(graph, image=images)["answer"].any(axis=1)
    farthest = 0
    for phase, answer in enumerate(answers):
        touched = np.flatnonzero(answer)
        assert touched.min() > 0
        assert touched.max() < width - 1
        farthest = max(farthest, *abs(touched - middle - phase))
    return farthest


@settings(deadline=None, max_examples=60)
@given(network=networks, seed=st.integers(0, 2**16))
def test_the_reach_is_never_less_than_what_an_impulse_shows(network, seed):
    graph = build_network(network, WHOLE, seed)
    reach = find_reach([graph])
    assert reach.px is not None, reach.reason
    assert reach.px >= measure_impulses(graph, WHOLE)


@settings(deadline=None, max_examples=60)
@given(network=networks, seed=st.integers(0, 2**16), data=st.data())
def test_beyond_the_reach_a_tile_answers_as_the_whole(network, seed, data):
    tile, whole = build_network(network, TILE, seed), build_network(network, WHOLE, seed)
    reach = find_reach([tile])
    assert reach == find_reach([whole])
    offset = data.draw(st.integers(0, (WHOLE - TILE) // reach.period)) * reach.period
    image = np.random.default_rng(seed).uniform(1, 2, (1, HEIGHT, WHOLE)).astype(np.float32)
    expected = run(whole, image=image)["answer"][0, :, offset : offset + TILE]
    answer = run(tile, image=np.ascontiguousarray(image[:, :, offset : offset + TILE]))["answer"][0]
    inside = slice(reach.px if offset else 0, TILE - reach.px if offset + TILE < WHOLE else TILE)
    # Sums of positive numbers, up to a few hundred a layer, round to 1e-5 at most; what is missing is far more.
    np.testing.assert_allclose(answer[:, inside], expected[:, inside], rtol=1e-5)


@pytest.mark.parametrize("left", [0, 2], ids=["to the right", "to the left"])
@pytest.mark.parametrize("up", UPS)
def test_every_way_down_and_up_reaches_no_further_than_said(up, left):
    for down in DOWNS:
        graph = build_network([("pyramid", down, [("conv", 3, 1, left)], up, "Add")], WHOLE, seed=0)
        reach, shown = find_reach([graph]).px, measure_impulses(graph, WHOLE)
        # Intervals count what lies between two positions that are read, and what float32 might: 2 pixels at most.
        assert shown <= reach <= shown + 2, down


@pytest.mark.parametrize(("slices", "pads"), [((3, 1 << 30), (3, 0)), ((0, -3), (0, 3))])
def test_a_border_inside_the_network_counts_although_every_pixel_looks_at_itself_alone(slices, pads):
    """Three pixels are cut off and put back as zeros: in a tile they are others than in the whole."""
    start, end = slices
    graph = image_graph(
        helper.make_node("Slice", ["image", "start", "end", "axis"], ["cut"]),
        helper.make_node("Pad", ["cut", "pads"], ["answer"]),
        constants={
            "start": positions([start]),
            "end": positions([end]),
            "axis": positions([2]),
            "pads": positions([0, 0, pads[0], 0, 0, pads[1]]),
        },
    )
    assert find_reach([graph]) == Reach(3, 1)


def make_positive(network):
    """Let every path count and nothing cancel, so that an impulse gives exactly what depends on it."""
    network = network.double().eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(parameter.abs() + 0.1 if parameter.ndim > 1 else torch.ones_like(parameter))
            if name.endswith("bias"):
                parameter.zero_()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.zero_()
                module.running_var.fill_(1.0)
    return network


# How far a U-Net looks does not depend on its widths.
THIN = (1, 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (CheapNet(4), 31),
        (CheapNet(16), 31),
        (CheapNet(4, depthwise=False), 31),
        (make_half_unet(1, THIN), 107),
        pytest.param(make_los_unet(1, THIN), None, marks=pytest.mark.slow),
    ],
    ids=["cheapnet-s", "cheapnet-m", "cheapnet-std-s", "unet-32", "unet"],
)
def test_the_reach_of_the_models_is_exactly_what_impulses_show(network, expected):
    size = 288
    reach = find_reach(trace_stages(network, size=(size, size), batch=1), axes=(2, 3))
    positive = make_positive(network)
    farthest = 0
    with torch.no_grad():
        for phase in range(16):
            image = torch.zeros(1, 1, size, size, dtype=torch.float64)
            image[:, :, 136, 136 + phase] = 1
            touched = positive(image)[0, 0].nonzero()
            farthest = max(farthest, int((touched - torch.tensor([136, 136 + phase])).abs().max()))
    assert reach.px == farthest
    assert expected in (None, reach.px)
    assert reach.period == 16


def image_graph(*nodes, constants=None, answer=("N", 8, 12)):
    """Return a graph from "image" (N, 8, 12) to "answer"."""
    return make_graph(list(nodes), {"image": ["N", 8, 12]}, {"answer": list(answer)}, constants or {})


def positions(value, dtype=np.int64):
    return np.array(value, dtype)


@pytest.mark.parametrize(
    ("nodes", "constants", "culprit"),
    [
        (
            [
                helper.make_node("ReduceMean", ["image", "axes"], ["mean"]),
                helper.make_node("Sub", ["image", "mean"], ["answer"]),
            ],
            {"axes": positions([1, 2])},
            "ReduceMean",
        ),
        (
            [
                helper.make_node("ReduceMax", ["image", "axes"], ["most"], keepdims=0),
                helper.make_node("Unsqueeze", ["most", "axes"], ["one"]),
                helper.make_node("Mul", ["image", "one"], ["answer"]),
            ],
            {"axes": positions([1, 2])},
            "ReduceMax",
        ),
        ([helper.make_node("Softmax", ["image"], ["answer"], axis=2)], {}, "Softmax"),
        ([helper.make_node("CumSum", ["image", "axis"], ["answer"])], {"axis": positions(1)}, "CumSum"),
        (
            [helper.make_node("MatMul", ["image", "w"], ["answer"])],
            {"w": np.eye(12, dtype=np.float32)},
            "MatMul",
        ),
        # What differs from place to place would be the same in every tile.
        (
            [helper.make_node("Add", ["image", "w"], ["answer"])],
            {"w": np.ones((8, 12), np.float32)},
            "another grid",
        ),
        (
            [
                helper.make_node("Slice", ["image", "from", "to", "axis"], ["left"]),
                helper.make_node("Slice", ["image", "to", "end", "axis"], ["right"]),
                helper.make_node("Concat", ["right", "left"], ["answer"], axis=2),
            ],
            {"from": positions([0]), "to": positions([6]), "end": positions([12]), "axis": positions([2])},
            "Concat",
        ),
        (
            [
                helper.make_node("Pad", ["image", "pads"], ["wide"], mode="reflect"),
                helper.make_node("Slice", ["wide", "from", "to", "axis"], ["answer"]),
            ],
            {
                "pads": positions([0, 0, 2, 0, 0, 0]),
                "from": positions([-12]),
                "to": positions([99]),
                "axis": positions([2]),
            },
            "from the end",
        ),
        (
            [
                helper.make_node("Reshape", ["image", "flat"], ["line"]),
                helper.make_node("Reshape", ["line", "back"], ["answer"]),
            ],
            {"flat": positions([-1, 96]), "back": positions([-1, 8, 12])},
            "takes the image apart",
        ),
        (
            [
                helper.make_node("Unsqueeze", ["image", "one"], ["map"]),
                helper.make_node("AveragePool", ["map"], ["small"], kernel_shape=[2, 2], strides=[2, 2]),
                helper.make_node(
                    "Resize",
                    ["small", "", "", "sizes"],
                    ["large"],
                    mode="linear",
                    coordinate_transformation_mode="align_corners",
                ),
                helper.make_node("Squeeze", ["large", "one"], ["answer"]),
            ],
            {"one": positions([1]), "sizes": positions([1, 1, 8, 12])},
            "align_corners",
        ),
    ],
)
def test_what_looks_further_or_is_not_known_has_no_limit(nodes, constants, culprit):
    batch = 1 if "sizes" in constants else "N"
    graph = make_graph(nodes, {"image": [batch, 8, 12]}, {"answer": [batch, 8, 12]}, constants)
    reach = find_reach([graph])
    assert reach.px is None
    assert culprit in reach.reason


def test_a_graph_inside_a_node_may_look_at_everything():
    branch = helper.make_graph(
        [helper.make_node("ReduceMean", ["image"], ["inner"])],
        "branch",
        [],
        [helper.make_empty_tensor_value_info("inner")],
    )
    nodes = [
        helper.make_node("If", ["yes"], ["mean"], then_branch=branch, else_branch=branch),
        helper.make_node("Sub", ["image", "mean"], ["answer"]),
    ]
    reach = find_reach([image_graph(*nodes, constants={"yes": positions(True, np.bool_)})])
    assert reach.px is None
    assert "If" in reach.reason


def test_a_mask_of_another_size_has_no_reach():
    pool = helper.make_node("MaxPool", ["image"], ["answer"], kernel_shape=[2], strides=[2])
    reach = find_reach([image_graph(pool, answer=("N", 8, 6))])
    assert reach.px is None


def test_stages_are_followed_from_the_last_to_the_first():
    network = Halves()
    graphs = trace_stages(network, size=(32, 32), batch=1)
    assert len(graphs) == 2
    assert find_reach(graphs, axes=(2, 3)) == Reach(3, 1)


class Halves(torch.nn.Module):
    """Looks one pixel far in its first stage and two in its second."""

    task = "segment"

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(1, 2, 3, padding=1)
        self.second = torch.nn.Conv2d(2, 1, 5, padding=2)

    def export_input(self):
        return ExportInput("grey", 1, (32, 32))

    def stages(self):
        return (
            ExportStage("first", self.first, ("image",), ("maps",), carries=("maps",)),
            ExportStage("second", self.second, ("maps",), ("logits",)),
        )


@pytest.mark.parametrize(
    ("px", "multiple", "overlap"), [(0, 16, 0), (31, 16, 64), (31, 1, 62), (33, 16, 80), (64, 16, 128)]
)
def test_neighbours_share_twice_the_reach(px, multiple, overlap):
    assert find_default_overlap(Reach(px, 1), (512, 256), multiple) == overlap


def test_tiles_that_are_too_small_are_refused_with_a_size_that_does():
    with pytest.raises(UsageProblem, match="31 pixels far, so that neighbours must share 64") as caught:
        find_default_overlap(Reach(31, 16), (512, 64), 16)
    assert "--size 128x128" in caught.value.remedy
    assert find_default_overlap(Reach(31, 16), (128, 128), 16) == 64


def test_no_overlap_is_chosen_where_the_reach_has_no_limit():
    with pytest.raises(UsageProblem, match="ReduceMean") as caught:
        find_default_overlap(Reach(None, 1, "ReduceMean 'a' looks at the whole image"), (512, 512), 16)
    assert "--overlap" in caught.value.remedy


def test_tiles_must_meet_the_networks_grid():
    with pytest.raises(UsageProblem, match="repeat every 4 pixels") as caught:
        find_default_overlap(Reach(3, 4), (64, 64), 2)
    assert "multiples of 4" in caught.value.remedy
