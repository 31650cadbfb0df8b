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
    classes=("normal", "hole", "stain", "broken-yarn", "end-out"),
    paper="DI-Net (Zhao et al.), its baseline ResNet50",
    recipe="resnet",
    factory="edgekit.models.resnet:ResNet",
    arguments={"classes": 5},
    flops_rule="macs",
    normal_class="normal",
    head=("fc.",),
)


EXIT_THRESHOLDS = (0.8, 0.7, 0.6, 0.5)
"""DI-Net's own: confidence from which exits 1 to 4 answer. The last one answers whatever is left."""

EXIT_HEADS = tuple(f"classifiers.{number}.linear." for number in (1, 2, 3, 4))
EARLY_CLASSIFIERS = tuple(f"classifiers.{number}." for number in (1, 2, 3))


def _dinet(name: str, title: str, *, units: tuple[int, ...], aggregates: bool) -> ModelSpec:
    final: tuple[str, ...] = ("conv1.", "bn1.", "layer", "classifiers.4.")
    early = EARLY_CLASSIFIERS
    if aggregates:
        final, early = (*final, "aggregations.4."), (*early, "aggregations.2.", "aggregations.3.")
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
        arguments={"classes": len(RESNET50.classes), "units": units, "aggregates": aggregates},
        flops_rule="macs",
        normal_class=RESNET50.normal_class,
        head=EXIT_HEADS,
        exit_thresholds=EXIT_THRESHOLDS,
        parts={"final": final, "early": early},
    )


RESNET_UNITS, TABLE1_UNITS = (3, 4, 6, 3), (4, 4, 5, 3)
"""Bottlenecks per stage: of ResNet-50, which the paper's text names, and of the paper's Table 1."""

DINETS = (
    _dinet("dinet", "Tables 1-4", units=RESNET_UNITS, aggregates=True),
    _dinet("dinet-a", "its ablation DI-Net-A without aggregation", units=RESNET_UNITS, aggregates=False),
    _dinet("dinet-table1", "with the bottlenecks of its Table 1", units=TABLE1_UNITS, aggregates=True),
)

MOBILENET = ModelSpec(
    name="mobilenet-v3-large",
    task="classify",
    channels=3,
    size=(224, 224),
    multiple=1,
    classes=RESNET50.classes,
    paper="DI-Net (Zhao et al.), its baseline Mobile: MobileNetV3-Large 1.0 (Howard et al.)",
    recipe="mobilenet",
    factory="edgekit.models.mobilenet:MobileNet",
    arguments={"classes": len(RESNET50.classes)},
    flops_rule="macs",
    normal_class=RESNET50.normal_class,
    head=("classifier.3.",),
)

MOBILE_DI = ModelSpec(
    name="mobile-di",
    task="classify",
    channels=3,
    size=(224, 224),
    multiple=1,
    classes=RESNET50.classes,
    paper="DI-Net (Zhao et al.), its baseline Mobile-DI",
    recipe="mobile-di",
    factory="edgekit.models.mobile_di:MobileDI",
    arguments={"classes": len(RESNET50.classes)},
    flops_rule="macs",
    normal_class=RESNET50.normal_class,
    head=EXIT_HEADS,
    exit_thresholds=EXIT_THRESHOLDS,
    parts={"final": ("features.", "classifiers.4."), "early": EARLY_CLASSIFIERS},
)

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
    for spec in (UNET, UNET_32, RESNET50, *DINETS, MOBILENET, MOBILE_DI, SHUFFLENET):
        registry.add(spec)
    return registry


MODELS = make_registry()
"""The one registry that the command line uses."""
