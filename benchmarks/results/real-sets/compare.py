"""Train one model on one real set, and measure it on images it could not have seen, and on images that leak.

    python benchmarks/results/real-sets/compare.py ../shared/data/magnetic-tile --model cheapnet-s --seed 0

Each run trains once and is measured twice. The test part shares no tile and no picture with training. The leaky part
is what a split by image would have put into the test part: of each training tile one exposure that is held back
(Magnetic Tile), or training pictures turned by a quarter (NEU-Seg, whose official test part holds such copies). The
difference is what the leak flatters.

Writes OUT/SET-MODEL-SEED.json and the run folder beside it. Equal steps, batches, data and augmentation for every
model; the learning rate is the model's own. With --taught-by MODEL the run learns from that model's run of the same
seed, whose split is the same, and is called MODEL-taught-by-TEACHER.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.data import Dataset, OpenOptions, Sample, Split, Subset
from edgekit.data.contract import View
from edgekit.data.views import MERGED
from edgekit.evaluation.evaluate import evaluate_masks
from edgekit.evaluation.judging import Judging
from edgekit.evaluation.mask_metrics import MaskMetrics
from edgekit.evaluation.targets import open_target
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit.train.allocator import keep_freed_memory
from edgekit.train.engine import Trainer
from edgekit.train.recipe import Course, Distillation, Objective, Optimiser, Recipe, Sampling
from edgekit.train.recipes import TIMES_EIGHT, get_recipe
from edgekit.train.run_data import open_run_data
from edgekit.train.run_folder import RunFolder, RunRecord, SplitChoice
from edgekit.train.starting_points import refer_to
from edgekit_runtime.bundle import ClassRule, VerdictRules

EPOCHS, BATCH, IMAGES, CROP_PX = 24, 8, 400, 160

JUDGING = Judging(VerdictRules(others=ClassRule(min_area_px=30)), MERGED)
"""Found regions below do not count: an image without a larger one is not flagged."""

RATES = {"cheapnet-s": 0.05, "cheapnet-m": 0.02, "unet-32": 1e-3}
"""Largest learning rate of each model's one cycle (Adam): the fewer the weights, the larger."""


class QuarterTurned(View):
    """Every image turned by 90 degrees."""

    def load(self, index: int) -> Sample:
        """Return the source's sample, turned."""
        sample = self.source.load(index)
        mask = np.rot90(sample.known_mask)
        return Sample(sample.name, np.ascontiguousarray(np.rot90(sample.image)), mask.copy(), sample.kinds)


def make_recipe(model: str, *, tiles: bool, autocast: bool) -> Recipe:
    """Return the recipe of the comparison: everything equal but the learning rate."""
    own = get_recipe(MODELS.get(model).recipe, "short")
    return replace(
        own,
        epochs=EPOCHS,
        batch_size=BATCH,
        course=Course("one-cycle"),
        objective=Objective("dice-bce"),
        optimiser=Optimiser("adam", RATES[model]),
        augmentation=(*TIMES_EIGHT, "light"),
        sampling=Sampling(
            images_per_epoch=IMAGES,
            defective_share=0.5 if tiles else None,
            crop_px=CROP_PX,
            crop_on_defect=0.75 if tiles else 0.0,
        ),
        autocast="bfloat16" if autocast else "none",
        source=f"The comparison on real sets: {EPOCHS} epochs of {IMAGES} crops in batches of {BATCH}, one cycle.",
    )


def hold_back(dataset: Dataset, train: tuple[int, ...], seed: int) -> tuple[list[int], list[int]]:
    """Return the training images without one image of each group that has several, and those held back."""
    groups: dict[str, list[int]] = {}
    for index in train:
        groups.setdefault(dataset.items[index].group, []).append(index)
    held = [min(group, key=lambda i: _rank(dataset, i, seed)) for group in groups.values() if len(group) > 1]
    return sorted(set(train) - set(held)), sorted(held)


def _rank(dataset: Dataset, index: int, seed: int) -> str:
    return hashlib.sha256(f"{seed}/{dataset.items[index].name}".encode()).hexdigest()


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--model", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/real"))
    parser.add_argument("--autocast", action="store_true", help="bfloat16 forward passes")
    parser.add_argument(
        "--taught-by", metavar="MODEL", help="a model that was trained by this script, same seed"
    )
    parser.add_argument("--attention", type=float, default=0.0, help="weight of the feature loss")
    arguments = parser.parse_args()
    keep_freed_memory()
    seed, name = arguments.seed, Path(arguments.data).name
    tiles = name == "magnetic-tile"
    recipe = make_recipe(arguments.model, tiles=tiles, autocast=arguments.autocast)
    teacher, label = None, arguments.model
    if arguments.taught_by:
        teacher = refer_to(arguments.out / f"{name}-{arguments.taught_by}-{seed}" / "best")
        recipe = replace(recipe, distillation=Distillation(feature_weight=arguments.attention))
        label += f"-taught-by-{arguments.taught_by}{'-attending' if arguments.attention else ''}"
    record = RunRecord(
        arguments.model, recipe, seed, arguments.data, OpenOptions(), SplitChoice(seed), teacher=teacher
    )
    dataset, split = open_run_data(record)
    train, held = (
        hold_back(dataset, split.parts["train"], seed) if tiles else (list(split.parts["train"]), [])
    )
    kept = Split(split.seed, split.fractions, {**split.parts, "train": tuple(train)})
    leaky = Subset(dataset, held) if tiles else QuarterTurned(Subset(dataset, _some(train, dataset, seed)))
    folder = RunFolder(arguments.out / f"{name}-{label}-{seed}")
    trainer = Trainer(record, dataset, kept, folder, reporter=Reporter())
    outcome = trainer.resume() if folder.path.exists() else trainer.start()
    quiet = Reporter(quiet=True)
    with open_target(folder.best) as target:
        clean, flattered = (
            describe(evaluate_masks(target.predict, part, reporter=quiet, judging=JUDGING))
            for part in (split.subset(dataset, "test"), leaky)
        )
    document = {
        "data": name,
        "fingerprint": dataset.fingerprint(),
        "model": label,
        "seed": seed,
        "images": {
            "train": len(train),
            **{part: len(split.parts[part]) for part in ("val", "test")},
            "leaky": len(leaky),
        },
        "steps": EPOCHS * -(-IMAGES // BATCH),
        "learning_rate": recipe.optimiser.learning_rate,
        "best_epoch": outcome.epoch,
        "train_seconds": round(sum(entry["seconds"] for entry in trainer.history)),
        "weights_sha256": target.digest,
        "split": asdict(split.info(dataset)),
        "test": clean,
        "leaky": flattered,
    }
    path = arguments.out / f"{name}-{label}-{seed}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")


def describe(metrics: MaskMetrics) -> dict[str, Any]:
    """Return the figures, those per kind of defect among them."""
    kinds = {kind: figures.to_dict() for kind, figures in metrics.per_kind.items()}
    return {**metrics.to_dict(), "per_kind": kinds}


def _some(train: list[int], dataset: Dataset, seed: int, count: int = 144) -> list[int]:
    """Return as many training images as a test part has."""
    return sorted(sorted(train, key=lambda index: _rank(dataset, index, seed))[:count])


if __name__ == "__main__":
    main()
