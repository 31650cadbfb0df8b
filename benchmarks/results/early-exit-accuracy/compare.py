"""Train networks with and without early exits on folds of one set, and measure them as they run and exit by exit.

    edgekit data convert ../shared/data/magnetic-tile runs/data/magnetic-tile --resize 128x128
    edgekit data synth runs/data/fabric --style fabric --count 200 --normal 400 --size 128x128
    python benchmarks/results/early-exit-accuracy/compare.py runs/data/magnetic-tile
    python benchmarks/results/early-exit-accuracy/compare.py runs/data/fabric
    python benchmarks/results/early-exit-accuracy/report.py runs/early-exit-accuracy

Runs every row of `ROWS` on one fold after the other, or those that are asked for (--row, --fold). Killed, it goes on
where it was; what is done is skipped. Each run has a folder OUT/SET-ROW-FOLD, of which the best weights stay, and once
measured a JSON document beside it: figures of the gated network and of each exit alone, and per image what every exit
answered.

All rows see equally many images, half of them defective, in equally many steps of equal batches, which is read back
from the log of the run. What differs is how the steps are used: two phases share them, the second a fifth, or one phase
has them all. One fold of FOLDS tests and one chooses the epoch. Inputs are small and the networks begin from scratch,
hence AdamW at a rate far above the paper's, with warm-up (`--recipe short`); no figure here is the paper's. Optimiser
and rate were chosen for dinet, and resnet50 gets them as they are: it may be better with its own. Cloth is generated at
this size: halved tiles of 256² show defects so small that a network of six layers had hardly begun after 500 steps.

What it takes: images · 3 · GMAC of a pass / (GMAC per second), forward and backward, for EPOCHS · IMAGES = 19,200
images. At 128² a pass of resnet50 has 1.33 GMAC, of dinet 1.79, of dinet-a 1.54, of mobile-di 0.08. One thread of an
AMD EPYC with bfloat16 instructions reaches 66 to 69 GMAC per second (mobile-di, in 32 bits, 14): 19 minutes for
resnet50, 26 for dinet end to end, 6 for mobile-di, less where a second phase trains no backbone; each validation adds
images · GMAC / 40. Two threads of one run are not twice as fast; two runs side by side with OMP_NUM_THREADS=1 are.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from edgekit.data import OpenOptions, Split
from edgekit.data.contract import Dataset
from edgekit.data.splitting.duplicates import link_duplicates
from edgekit.evaluation.classification import ClassMetrics
from edgekit.evaluation.evaluate import evaluate_classes
from edgekit.evaluation.targets import OpenedTarget, open_target
from edgekit.models import MODELS, build_model
from edgekit.models.counting import count_cost
from edgekit.reporting import Reporter
from edgekit.train.ablations import train_end_to_end, weigh_alike
from edgekit.train.allocator import keep_freed_memory
from edgekit.train.devices import choose_device
from edgekit.train.engine import Trainer
from edgekit.train.recipe import Phase, Recipe, shorten
from edgekit.train.recipes import get_recipe
from edgekit.train.run_data import open_run_data
from edgekit.train.run_folder import RunFolder, RunRecord, SplitChoice, write_text

FOLDS, SEED = 5, 0
EPOCHS, IMAGES = 40, 480
"""Epochs of a run; images drawn per epoch, the same number whatever a fold holds."""

EARLY_SHARE = 1 / 5
"""Of the epochs, for the phase of the early exits: few layers learn there, on a backbone that stays as it is."""

SMOKE_IMAGES = 32


@dataclass(frozen=True)
class Row:
    """A network and how it is trained.

    Attributes:
        model: Its name.
        train: Changes the recipe, which has two phases and weighs exits.
    """

    model: str
    train: Callable[[Recipe], Recipe]

    def make_recipe(self, *, epochs: int, images: int) -> Recipe:
        """Return the recipe: that of DI-Net, but for the architecture's own rate, and what `train` changes."""
        own = get_recipe("mobile-di" if self.model.startswith("mobile") else "dinet", "short")
        recipe = shorten(get_recipe("dinet", "short"), epochs)
        recipe = replace(
            recipe,
            optimiser=own.optimiser,
            autocast=own.autocast,  # 16 bits are slower in depthwise convolutions
            sampling=replace(recipe.sampling, images_per_epoch=images, defective_share=0.5),
            patience=None,
            phases=divide_epochs(recipe),
            source=f"Comparison of early exits: {epochs} epochs of {images} images, rate of {own.name} (short).",
        )
        return self.train(recipe)


def divide_epochs(recipe: Recipe) -> tuple[Phase, ...]:
    """Return both phases, which share the recipe's epochs."""
    early = max(1, round(EARLY_SHARE * recipe.epochs))
    parts = {"final": recipe.epochs - early, "early": early}
    return tuple(
        replace(phase, epochs=parts[phase.name], course=shorten(recipe, parts[phase.name]).course)
        for phase in recipe.phases
    )


def train_without_exits(recipe: Recipe) -> Recipe:
    """Return the recipe for a network that answers once."""
    recipe = train_end_to_end(recipe)
    return replace(recipe, objective=replace(recipe.objective, exits=None))


ROWS = {
    "resnet50": Row("resnet50", train_without_exits),
    "dinet": Row("dinet", lambda recipe: recipe),
    "dinet-end-to-end": Row("dinet", train_end_to_end),
    "dinet-plain": Row("dinet", weigh_alike),
    "dinet-end-to-end-plain": Row("dinet", lambda recipe: train_end_to_end(weigh_alike(recipe))),
    "dinet-a": Row("dinet-a", lambda recipe: recipe),
    "mobile-di": Row("mobile-di", lambda recipe: recipe),
}


@dataclass(frozen=True)
class Plan:
    """What one call runs.

    Attributes:
        data: The set, as typed.
        out: Where documents and run folders go.
        epochs: See `EPOCHS`.
        images: See `IMAGES`.
        judged: Images of the validation part and of the test part that are looked at; None looks at all.
        device: That trains.
    """

    data: str
    out: Path
    epochs: int
    images: int
    judged: int | None
    device: str

    @property
    def steps(self) -> int:
        """Steps of the optimiser in each run."""
        return self.epochs * -(-self.images // get_recipe("dinet", "short").batch_size)

    def run(self, name: str, fold: int) -> None:
        """Train and measure one row on one fold, unless that is done."""
        stem = f"{Path(self.data).name}-{name}-{fold}"
        path = self.out / f"{stem}.json"
        if path.exists():
            print(f"{path} is there already.", flush=True)
            return
        row = ROWS[name]
        recipe = row.make_recipe(epochs=self.epochs, images=self.images)
        split = SplitChoice(SEED, folds=FOLDS, fold=fold)
        trainer = self._train(RunRecord(row.model, recipe, SEED, self.data, OpenOptions(), split), stem)
        folder, run = trainer.folder, trainer.run
        require_steps(folder, recipe, self.steps)
        head = {
            "schema": "edgekit.early-exit-accuracy/1",
            "data": run.dataset.name,
            "row": name,
            "model": row.model,
            "fold": fold,
            "recipe": recipe.to_dict(),
            "steps": self.steps,
            "train_seconds": round(sum(entry["seconds"] for entry in trainer.history)),
            "split": asdict(run.split.info(run.dataset)),
            "images": {part: len(indices) for part, indices in run.split.parts.items()},
        }
        test = link_duplicates(run.split.subset(run.dataset, "test"))
        with open_target(folder.best, every_exit=bool(run.spec.exit_thresholds)) as target:
            metrics = measure(target, test)
            head |= describe(target, metrics, test)
        write_document(path, head, list_answers(metrics))
        shutil.rmtree(folder.last)  # the optimiser's state: half a gigabyte that nothing goes on from

    def _train(self, record: RunRecord, stem: str) -> Trainer:
        """Train from the first epoch, or on after a kill, and return what was trained.

        Raises:
            SystemExit: If the folder holds another run.
        """
        folder = RunFolder(self.out / stem)
        begun = (folder.path / "run.json").exists()
        if begun and folder.read() != record:
            raise SystemExit(
                f"{folder.path} holds a run with other choices: remove it, or name another --out."
            )
        dataset, split = open_run_data(record)
        split = split if self.judged is None else keep_few(dataset, split, self.judged)
        trainer = Trainer(record, dataset, split, folder, device=self.device, reporter=Reporter())
        if begun:
            trainer.resume()
        else:
            trainer.start()
        return trainer


def keep_few(dataset: Dataset, split: Split, count: int) -> Split:
    """Return the split with few images of every class to judge by; training draws few of its own."""
    few = {}
    for part, indices in split.parts.items():
        by_class = sorted(indices, key=lambda index: dataset.items[index].label or 0)
        few[part] = tuple(sorted(by_class[:: max(1, len(by_class) // count)]))
    return replace(split, parts={**few, "train": split.parts["train"]})


def require_steps(folder: RunFolder, recipe: Recipe, steps: int) -> None:
    """Compare the steps that the log of a run shows with those that every row shall have.

    Raises:
        SystemExit: If they differ.
    """
    epochs = len((folder.path / "metrics.jsonl").read_text().splitlines())
    taken = epochs * -(-(recipe.sampling.images_per_epoch or 0) // recipe.batch_size)
    if taken != steps:
        raise SystemExit(f"{folder.path} took {taken} steps in {epochs} epochs; every row takes {steps}.")


def measure(target: OpenedTarget, test: Dataset) -> ClassMetrics:
    """Return the figures on the test part, whose groups hold all copies."""
    return evaluate_classes(
        target.predict,
        test,
        classes=target.classes,
        normal_class=target.normal_class,
        exits=target.exits,
        reporter=Reporter(),
        intervals_seed=SEED,
    )


def describe(target: OpenedTarget, metrics: ClassMetrics, test: Dataset) -> dict[str, Any]:
    """Return what the document says of the figures; `macs` are those of a network that answers once."""
    return {
        "weights_sha256": target.digest,
        "classes": list(target.classes),
        "normal_class": target.normal_class,
        "macs": count_macs(test) if target.exits is None else None,
        "test": metrics.to_dict(),
        "intervals": None if metrics.intervals is None else metrics.intervals.to_dict(),
    }


def count_macs(test: Dataset) -> int:
    """Return the multiply-accumulates of the baseline for the images' size, which is one."""
    height, width = test.load(0).image.shape[:2]
    spec = MODELS.get("resnet50").for_classes(test.labels)
    return count_cost(build_model(spec), (spec.channels, height, width)).operations


def list_answers(metrics: ClassMetrics) -> list[dict[str, Any]]:
    """Return what was answered for each image: by the network, and by every exit alone, with its confidence."""
    return [
        {
            "name": record.name,
            "group": record.group,
            "truth": record.truth,
            "predicted": record.predicted,
            "exit": record.exit,
            "alone": [answer.predicted for answer in record.alone or (record.answer,)],
            "confidence": [
                None if answer.confidence is None else round(answer.confidence, 6)
                for answer in record.alone or (record.answer,)
            ],
        }
        for record in metrics.records
    ]


def write_document(path: Path, head: dict[str, Any], answers: list[dict[str, Any]]) -> None:
    """Write a JSON document with one line per answer."""
    lines = ",\n".join(f"  {json.dumps(answer)}" for answer in answers)
    text = json.dumps(head, indent=1).removesuffix("\n}")
    write_text(path, f'{text},\n "answers": [\n{lines}\n ]\n}}\n')


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="a folder of images of one size")
    parser.add_argument("--row", action="append", choices=list(ROWS), help="may be repeated; default: all")
    parser.add_argument(
        "--fold", action="append", type=int, choices=range(FOLDS), help="may be repeated; default: 0 1 2"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/early-exit-accuracy"))
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of a run, two of them at least")
    parser.add_argument("--images", type=int, default=IMAGES, help="per epoch")
    parser.add_argument(
        "--device", default="auto", help="auto, cpu or cuda[:N]; trains, and the CPU measures"
    )
    parser.add_argument("--smoke", action="store_true", help="a minute: 64 images, and little is measured")
    arguments = parser.parse_args()
    epochs, images, judged, out = arguments.epochs, arguments.images, None, arguments.out
    if arguments.smoke:
        epochs, images, judged, out = 2, SMOKE_IMAGES, SMOKE_IMAGES, out.with_name(f"{out.name}-smoke")
    out.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    plan = Plan(arguments.data, out, epochs, images, judged, choose_device(arguments.device))
    for fold in arguments.fold or (0, 1, 2):
        for name in arguments.row or ROWS:
            plan.run(name, fold)


if __name__ == "__main__":
    main()
