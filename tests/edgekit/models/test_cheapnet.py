"""CheapNet: the conformance suite for each family, and what is CheapNet's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from edgekit.models import MODELS, build_model
from edgekit.models.cheapnet import CheapNet
from tests.conformance.model_conformance import ModelConformance


class TestCheapNetS(ModelConformance):
    model = "cheapnet-s"


@pytest.mark.slow
class TestCheapNetM(ModelConformance):
    model = "cheapnet-m"


@pytest.mark.slow
class TestCheapNetStandardS(ModelConformance):
    model = "cheapnet-std-s"


@pytest.mark.slow
class TestCheapNetOfAnyWidth(ModelConformance):
    model = "cheapnet-g3"


class TestStandardCheapNetOfAnyWidth(ModelConformance):
    model = "cheapnet-std-g5"


BLOCKS = (
    "encoder1",
    "encoder2",
    "encoder3",
    "encoder4",
    "bottleneck",
    "decoder1",
    "decoder2",
    "decoder3",
    "decoder4",
    "output",
)


@pytest.mark.parametrize("depthwise", [True, False])
def test_state_dict_has_the_names_of_the_authors_checkpoints(depthwise: bool) -> None:
    expected = set()
    for block in BLOCKS:
        expected |= {f"{block}.0.weight", f"{block}.0.bias", f"{block}.1.weight", f"{block}.1.bias"}
        expected |= {f"{block}.1.running_mean", f"{block}.1.running_var", f"{block}.1.num_batches_tracked"}
    assert set(CheapNet(4, depthwise=depthwise).state_dict()) == expected


@pytest.mark.parametrize("block", ["decoder2", "decoder3", "decoder4"])
@pytest.mark.parametrize("width", [2, 6])
def test_first_half_of_a_grouped_decoder_sees_the_skip_alone(block: str, width: int) -> None:
    decoder = build_model(MODELS.get(f"cheapnet-g{width}"), seed=0).eval().get_submodule(block)
    for channel in range(width):
        source = torch.randn(1, 2 * width, 4, 4, requires_grad=True)
        decoder(source)[0, channel].sum().backward()
        seen = {index for index in range(2 * width) if source.grad[0, index].abs().sum() > 0}
        assert seen == {2 * channel, 2 * channel + 1}
        # The concatenation is [encoder, decoder]: inputs below `width` are the skip connection.
        assert (max(seen) < width) == (channel < width // 2)


def test_a_standard_decoder_sees_everything() -> None:
    decoder = build_model(MODELS.get("cheapnet-std-g4"), seed=0).eval().get_submodule("decoder3")
    source = torch.randn(1, 8, 4, 4, requires_grad=True)
    decoder(source)[0, 0].sum().backward()
    assert (source.grad.abs().sum(dim=(0, 2, 3)) > 0).all()


def run_by_the_papers_table(state: dict[str, torch.Tensor], image: torch.Tensor, groups: int) -> torch.Tensor:
    """CheapNet a second time, from the paper's table and a state dict alone; [encoder, decoder] are joined."""

    def block(name: str, source: torch.Tensor, convolve: Callable[..., torch.Tensor]) -> torch.Tensor:
        result = convolve(source, state[f"{name}.0.weight"], state[f"{name}.0.bias"])
        norm = [state[f"{name}.1.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        return F.leaky_relu(F.batch_norm(result, *norm, eps=1e-5), 0.2)

    down = partial(F.conv2d, stride=2, padding=1, groups=groups)
    up = partial(F.conv_transpose2d, stride=2, padding=1, output_padding=1, groups=groups)
    e1 = block("encoder1", image, partial(F.conv2d, padding=1))
    e2 = block("encoder2", e1, down)
    e3 = block("encoder3", e2, down)
    e4 = block("encoder4", e3, down)
    d1 = block("decoder1", block("bottleneck", e4, down), up)
    d2 = block("decoder2", torch.cat([e4, d1], 1), up)
    d3 = block("decoder3", torch.cat([e3, d2], 1), up)
    d4 = block("decoder4", torch.cat([e2, d3], 1), up)
    return block("output", torch.cat([e1, d4], 1), F.conv2d)


@pytest.mark.parametrize("depthwise", [True, False])
def test_equals_the_papers_table_written_a_second_time(depthwise: bool) -> None:
    width = 4
    network = build_model(MODELS.get(f"cheapnet-{'' if depthwise else 'std-'}g{width}"), seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # fresh statistics would hide a wrong order
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    image = torch.randn(2, 1, 32, 48, generator=generator)
    with torch.no_grad():
        expected = run_by_the_papers_table(network.state_dict(), image, width if depthwise else 1)
        assert torch.equal(network(image), expected)


def test_feature_maps_have_the_sizes_of_the_papers_table() -> None:
    network = CheapNet(2).to("meta").eval()
    sizes: dict[str, tuple[int, ...]] = {}
    for block in BLOCKS:
        network.get_submodule(block).register_forward_hook(
            lambda _m, _a, result, block=block: sizes.update({block: tuple(result.shape[1:])})
        )
    network(torch.empty(1, 1, 512, 512, device="meta"))
    sides = (512, 256, 128, 64, 32, 64, 128, 256, 512)
    assert sizes == {
        **{block: (2, side, side) for block, side in zip(BLOCKS[:-1], sides, strict=True)},
        "output": (1, 512, 512),
    }


def test_slope_and_normalisation_are_those_of_the_authors_code() -> None:
    network = CheapNet(2)
    slopes = {m.negative_slope for m in network.modules() if isinstance(m, torch.nn.LeakyReLU)}
    norms = {(m.eps, m.momentum) for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert slopes == {0.2}
    assert norms == {(1e-5, 0.1)}
    assert all(
        m.bias is not None
        for m in network.modules()
        if isinstance(m, (torch.nn.Conv2d, torch.nn.ConvTranspose2d))
    )
