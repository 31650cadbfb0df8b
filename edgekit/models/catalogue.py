"""Every model of edgekit, entered by hand."""

from __future__ import annotations

from functools import partial

from edgekit.models.registry import ModelFamily, ModelRegistry
from edgekit.models.spec import ModelSpec

LARGEST_WIDTH = 4096
"""CheapNet's G beyond the paper's largest (1024), with room; a typing slip should not ask for 10⁹ weights."""


def _cheapnet(width: int, *, depthwise: bool, name: str | None = None) -> ModelSpec:
    family = "cheapnet" if depthwise else "cheapnet-std"
    return ModelSpec(
        name=name or f"{family}-g{width}",
        task="segment",
        channels=1,
        size=(512, 512),
        multiple=16,
        classes=("background", "defect"),
        paper="CheapNet (Wang et al.), Tables 1-3",
        recipe="cheapnet",
        factory="edgekit.models.cheapnet:CheapNet",
        arguments={"width": width, "depthwise": depthwise},
        flops_rule="thop0.1.1",
    )


def _make_cheapnet(width: int, *, depthwise: bool) -> ModelSpec:
    return _cheapnet(width, depthwise=depthwise)


def make_registry() -> ModelRegistry:
    """Return a registry that holds every model."""
    registry = ModelRegistry()
    for depthwise, family in ((True, "cheapnet"), (False, "cheapnet-std")):
        for size, width in (("s", 2), ("m", 32), ("l", 1024)):
            registry.add(_cheapnet(width, depthwise=depthwise, name=f"{family}-{size}"))
        registry.add_family(
            ModelFamily(f"{family}-g<N>", partial(_make_cheapnet, depthwise=depthwise), LARGEST_WIDTH)
        )
    return registry


MODELS = make_registry()
"""The one registry that the command line uses."""
