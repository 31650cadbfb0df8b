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
        normal_class="background",
        channels_last=not depthwise,
    )


def _make_cheapnet(width: int, *, depthwise: bool) -> ModelSpec:
    return _cheapnet(width, depthwise=depthwise)


UNET = ModelSpec(
    name="unet",
    task="segment",
    channels=3,
    size=(96, 96),
    multiple=16,
    classes=("background", "defect"),
    paper="LOS-UNet (Chen et al.), its baseline UNet",
    recipe="unet",
    factory="edgekit.models.unet:make_los_unet",
    flops_rule="ptflops0.7",
    normal_class="background",
)

UNET_32 = ModelSpec(
    name="unet-32",
    task="segment",
    channels=1,
    size=(512, 512),
    multiple=16,
    classes=("background", "defect"),
    paper="Bi-ShuffleNet and U-BiNet (Sensors 2021, 21, 6868), U-BiNet's widths in full precision",
    recipe="unet-32",
    factory="edgekit.models.unet:make_half_unet",
    flops_rule="ptflops0.7",
    normal_class="background",
)

RESNET50 = ModelSpec(
    name="resnet50",
    task="classify",
    channels=3,
    size=(512, 512),
    multiple=1,
    classes=("normal", "hole", "stain", "broken yarn", "end out"),
    paper="DI-Net (Zhao et al.), its baseline ResNet50",
    recipe="resnet",
    factory="edgekit.models.resnet:ResNet",
    arguments={"classes": 5},
    flops_rule="macs",
    normal_class="normal",
    head=("fc.",),
)


def _dinet(name: str, title: str, *, aggregates: bool) -> ModelSpec:
    final = ("conv1.", "bn1.", "layer", "aggregations.4.", "classifiers.4.")
    early = ("aggregations.2.", "aggregations.3.", *(f"classifiers.{number}." for number in (1, 2, 3)))
    return ModelSpec(
        name=name,
        task="classify",
        channels=3,
        size=(512, 512),
        multiple=1,
        classes=RESNET50.classes,
        paper=f"DI-Net (Zhao et al.), {title}",
        recipe="dinet",
        factory="edgekit.models.dinet:DINet",
        arguments={"classes": len(RESNET50.classes), "aggregates": aggregates},
        flops_rule="macs",
        normal_class=RESNET50.normal_class,
        head=tuple(f"classifiers.{number}.linear." for number in (1, 2, 3, 4)),
        exit_thresholds=(0.8, 0.7, 0.6, 0.5),
        parts={"final": final, "early": early},
    )


DINET = _dinet("dinet", "Tables 1-4", aggregates=True)
DINET_A = _dinet("dinet-a", "its ablation DI-Net-A without aggregation", aggregates=False)

SHUFFLENET = ModelSpec(
    name="shufflenet-v2-0.5",
    task="classify",
    channels=3,
    size=(224, 224),
    multiple=1,
    classes=("crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches"),
    paper="Bi-ShuffleNet and U-BiNet (Sensors 2021, 21, 6868), the baseline ShuffleNetV2 0.5×",
    recipe="shufflenet",
    factory="edgekit.models.shufflenet:ShuffleNet",
    arguments={"classes": 6},
    flops_rule="ptflops0.7",
    head=("fc.",),
)
"""NEU-DET's six kinds are its classes: none of them is free of defects."""


def make_registry() -> ModelRegistry:
    """Return a registry that holds every model."""
    registry = ModelRegistry()
    for depthwise, family in ((True, "cheapnet"), (False, "cheapnet-std")):
        for size, width in (("s", 2), ("m", 32), ("l", 1024)):
            registry.add(_cheapnet(width, depthwise=depthwise, name=f"{family}-{size}"))
        registry.add_family(
            ModelFamily(f"{family}-g<N>", partial(_make_cheapnet, depthwise=depthwise), LARGEST_WIDTH)
        )
    for spec in (UNET, UNET_32, RESNET50, DINET, DINET_A, SHUFFLENET):
        registry.add(spec)
    return registry


MODELS = make_registry()
"""The one registry that the command line uses."""
