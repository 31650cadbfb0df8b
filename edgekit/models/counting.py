"""Parameters and operations of a network, by three named rules.

Libraries disagree on what a FLOP is, and two of them even share a module name; so the rules that the papers' tables
follow are written out here, as one small counter.

    macs         convolution n·k·Cin/g, transposed n_in·k·Cout/g, linear in·out
    thop0.1.1    as macs, but transposed n·k·Cin/g on the output, and BatchNorm 4n            (CheapNet's tables)
    ptflops0.7   as macs, and n per bias, BatchNorm 2n (n where not affine), activation n, pooling n_in, upsampling n
                                                              (the tables of LOS-UNet and Bi-ShuffleNet)

n: elements of the output, n_in: of the input, k: kernel area, g: groups; batch 1, leaf modules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from edgekit_export.exportable import Exportable
from edgekit_runtime.errors import UsageProblem

Rule = Callable[[nn.Module, torch.Tensor, torch.Tensor], int]

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.PReLU, nn.LeakyReLU, nn.ELU)
POOLINGS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


@dataclass(frozen=True)
class Cost:
    """What one forward pass of one image costs."""

    parameters: int
    operations: int
    rule: str


def _kernel_area(module: nn.Conv2d | nn.ConvTranspose2d) -> int:
    return module.kernel_size[0] * module.kernel_size[1]


def _convolution_macs(module: nn.Conv2d | nn.ConvTranspose2d, elements: int, channels: int) -> int:
    return elements * _kernel_area(module) * channels // module.groups


def _count_macs(module: nn.Module, source: torch.Tensor, result: torch.Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        return _convolution_macs(module, result.numel(), module.in_channels)
    if isinstance(module, nn.ConvTranspose2d):
        return _convolution_macs(module, source.numel(), module.out_channels)
    if isinstance(module, nn.Linear):
        return (result.numel() // module.out_features) * module.in_features * module.out_features
    return 0


def _count_thop(module: nn.Module, source: torch.Tensor, result: torch.Tensor) -> int:
    if isinstance(module, nn.ConvTranspose2d):
        return _convolution_macs(module, result.numel(), module.in_channels)
    if isinstance(module, nn.BatchNorm2d):
        return 4 * result.numel()
    return _count_macs(module, source, result)


def _count_ptflops(module: nn.Module, source: torch.Tensor, result: torch.Tensor) -> int:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        bias = result.numel() if module.bias is not None else 0
        return _count_macs(module, source, result) + bias
    if isinstance(module, nn.BatchNorm2d):
        return 2 * result.numel() if module.affine else result.numel()
    if isinstance(module, (*ACTIVATIONS, nn.Upsample)):
        return result.numel()
    if isinstance(module, POOLINGS):
        return source.numel()
    return 0


RULES: dict[str, Rule] = {
    "macs": _count_macs,
    "thop0.1.1": _count_thop,
    "ptflops0.7": _count_ptflops,
}


def count_parameters(network: nn.Module) -> int:
    """Return the number of elements of all parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_cost(network: nn.Module, input_shape: tuple[int, int, int], *, rule: str = "macs") -> Cost:
    """Count parameters and operations of one image of shape (C, H, W).

    The network runs on torch's "meta" device, so that the largest one costs no memory and no time.

    Raises:
        UsageProblem: If the rule is unknown.
    """
    if rule not in RULES:
        raise UsageProblem(f"There is no counting rule {rule!r}; choose from {', '.join(RULES)}.")
    operations, _ = _count_run(network, (_make_empty_image(input_shape),), RULES[rule])
    return Cost(count_parameters(network), operations, rule)


def count_exit_macs(network: Exportable, input_shape: tuple[int, int, int]) -> tuple[int, ...]:
    """Count the MACs that an image of shape (C, H, W) has cost when it leaves at each exit, in order.

    A stage costs what it costs whether or not its exit answers, so these are sums over the stages up to each exit. A
    network without early exits has one entry where it classifies, and none where it segments.
    """
    known: dict[str, torch.Tensor] = {}
    spent, at_exits = 0, []
    for stage in network.stages():
        inputs = tuple(known[name] for name in stage.inputs) if known else (_make_empty_image(input_shape),)
        macs, results = _count_run(stage.module, inputs, _count_macs)
        known = dict(zip(stage.outputs, results, strict=True))
        spent += macs
        if stage.exit is not None:
            at_exits.append(spent)
    return tuple(at_exits)


def _make_empty_image(input_shape: tuple[int, int, int]) -> torch.Tensor:
    return torch.empty(1, *input_shape, device="meta")


def _count_run(
    network: nn.Module, inputs: tuple[torch.Tensor, ...], count: Rule
) -> tuple[int, tuple[torch.Tensor, ...]]:
    """Return the operations of one run on the "meta" device, and its outputs; the network stays as it was."""
    total = 0

    def add(module: nn.Module, arguments: tuple[Any, ...], result: torch.Tensor) -> None:
        nonlocal total
        total += count(module, arguments[0], result)

    leaves = [module for module in network.modules() if not any(module.children())]
    hooks = [leaf.register_forward_hook(add) for leaf in leaves]
    modes = {module: module.training for module in network.modules()}
    try:
        results = _run_on_meta(network.eval(), inputs)
    finally:
        for module, training in modes.items():
            module.training = training
        for hook in hooks:
            hook.remove()
    return total, results if isinstance(results, tuple) else (results,)


def _run_on_meta(
    network: nn.Module, inputs: tuple[torch.Tensor, ...]
) -> torch.Tensor | tuple[torch.Tensor, ...]:
    shadows = {
        name: tensor.detach().to("meta")
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]
    }
    with torch.no_grad():
        results: torch.Tensor | tuple[torch.Tensor, ...] = torch.func.functional_call(
            network, shadows, inputs
        )
    return results
