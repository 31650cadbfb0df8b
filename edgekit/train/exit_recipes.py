"""Recipes of networks with early exits: DI-Net, and its small sister on MobileNet's backbone."""

from __future__ import annotations

from dataclasses import replace

from edgekit.train.augmentation import TIMES_EIGHT
from edgekit.train.recipe import Course, ExitWeights, Objective, Optimiser, Phase, Recipe, Sampling

_EVERY_EXIT = Objective("ce", exits=ExitWeights((1.0, 1.0, 0.5, 0.25), (0.25, 0.5, 1.0, 1.0)))
"""Early exits are tuned for normal images, deep ones for defects. The paper gives no numbers: these are our choice."""

_LAST_EXIT = Objective("ce", exits=ExitWeights((0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0)))
_EARLY_EXITS = Objective("ce", exits=ExitWeights((1.0, 1.0, 0.5, 0.0), (0.25, 0.5, 1.0, 0.0)))

_TWO_PHASES = (Phase("final", "final", objective=_LAST_EXIT), Phase("early", "early", objective=_EARLY_EXITS))
"""Backbone and last exit, then the earlier exits on a backbone that stays as it is (DI-Net, section 3)."""

_DINET = Recipe(
    name="dinet",
    schedule="paper",
    epochs=30,
    batch_size=32,
    optimiser=Optimiser("sgd", 1e-3, momentum=0.9),
    course=Course("steps"),
    objective=_EVERY_EXIT,
    phases=_TWO_PHASES,
    source="DI-Net, sections 3 and 4: the last exit by cross-entropy, then the others with the rest frozen, weighted "
    "by exit; SGD 1e-3, momentum 0.9, batch 32, 30 epochs in each phase. The weights' values are our choice.",
)

_MOBILE_DI = replace(_DINET, name="mobile-di", source=f"As for DI-Net itself. {_DINET.source}")

_WHY_ADAMW = (
    "A fresh exit passes far smaller gradients on than a linear classifier does; AdamW makes that good."
)
"""Measured at exit 4 of a fresh dinet: the first convolution's gradient is 1/80 of resnet50's, the logits' spread over
images 1/56."""

_SHORT = (
    replace(
        _DINET,
        schedule="short",
        epochs=24,
        batch_size=16,
        optimiser=Optimiser("adamw", 5e-4, weight_decay=1e-2),
        course=Course("one-cycle"),
        augmentation=TIMES_EIGHT,
        autocast="bfloat16",
        phases=(_TWO_PHASES[0], replace(_TWO_PHASES[1], epochs=16)),
        source="24 and 16 epochs from scratch at batch 16, eight orientations: learning rate rescaled from SGD's 1e-3 "
        f"to a cycle of AdamW up to 5e-4, whose rise is the warm-up. {_WHY_ADAMW}",
    ),
    replace(
        _MOBILE_DI,
        schedule="short",
        epochs=40,
        batch_size=16,
        optimiser=Optimiser("adamw", 2e-3, weight_decay=1e-2),
        course=Course("one-cycle"),
        augmentation=TIMES_EIGHT,
        source="40 epochs per phase from scratch at batch 16, eight orientations: learning rate rescaled from SGD's "
        f"1e-3 to a cycle of AdamW up to 2e-3, whose rise is the warm-up. {_WHY_ADAMW}",
    ),
)
"""bfloat16 makes a step of dinet 1.8 times as fast on a CPU with such instructions, and one of mobile-di 1.5 times as
slow, whose depthwise convolutions gain nothing by it (batches of 16 at 128², one core)."""

_QUICK = (
    replace(
        _DINET,
        schedule="quick",
        epochs=2,
        batch_size=4,
        optimiser=Optimiser("sgd", 5e-3, momentum=0.9),
        course=Course("one-cycle"),
        sampling=Sampling(images_per_epoch=32, crop_px=96),
        source="64 crops of 96² per phase in batches of 4, one cycle up to 5e-3: shows the way.",
    ),
    replace(
        _MOBILE_DI,
        schedule="quick",
        epochs=2,
        batch_size=8,
        optimiser=Optimiser("adamw", 2e-3, weight_decay=1e-2),
        course=Course("one-cycle"),
        sampling=Sampling(images_per_epoch=64, crop_px=128),
        source="128 crops of 128² per phase in batches of 8, one cycle of AdamW up to 2e-3: shows the way.",
    ),
)

EXIT_RECIPES = (_DINET, _MOBILE_DI, *_SHORT, *_QUICK)
