"""`edgekit train`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from edgekit.cli.options import (
    any_path,
    data_options,
    json_option,
    print_json,
    quiet_option,
    seed_option,
)
from edgekit.data import OpenOptions, open_dataset, split_dataset
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.optional import import_optional


@click.command()
@click.option("--model", help="Such as cheapnet-s; `edgekit models` lists them.")
@data_options(required=False)
@click.option(
    "--recipe",
    "schedule",
    type=click.Choice(["quick", "short", "paper"]),
    default="short",
    show_default=True,
    help="quick: two minutes, to see it work. short: results on a CPU. paper: the paper's own schedule.",
)
@click.option("--epochs", type=click.IntRange(1), help="Instead of the recipe's.")
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), help="Instead of the recipe's.")
@click.option("--out", type=any_path, help="Folder of the run; must be new.  [default: runs/MODEL-RECIPE]")
@click.option("--resume", type=any_path, help="Go on with a run that was interrupted; takes no other choice.")
@click.option(
    "--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:N]", help="Where to train."
)
@seed_option
@json_option
@quiet_option
def train(
    *,
    model: str | None,
    data: str | None,
    include_normal: bool | None,
    boxes_as_masks: bool,
    schedule: str,
    epochs: int | None,
    learning_rate: float | None,
    out: Path | None,
    resume: Path | None,
    device: str,
    seed: int,
    as_json: bool,
    reporter: Reporter,
) -> None:
    """Train a model and keep the best and the last epoch.

    The data are split 70 : 10 : 20 into train, val and test by the seed. The best epoch is chosen on val;
    `edgekit eval` measures on test.
    """
    for package in ("torch", "safetensors", "matplotlib"):
        import_optional(package, extra="train")
    from edgekit.train.devices import choose_device
    from edgekit.train.engine import Trainer
    from edgekit.train.recipes import get_recipe
    from edgekit.train.run_folder import RunFolder, RunRecord

    if resume is not None:
        _require_no_choice(click.get_current_context())
        folder = RunFolder(resume)
        record = folder.read()
    else:
        if not model or not data:
            raise UsageProblem("Name --model and --data, or --resume RUN.")
        recipe = get_recipe(MODELS.get(model).recipe, schedule)
        recipe = replace(
            recipe, epochs=epochs or recipe.epochs, learning_rate=learning_rate or recipe.learning_rate
        )
        folder = RunFolder(out or Path("runs") / f"{model}-{schedule}")
        options = OpenOptions(include_normal, boxes_as_masks)
        record = RunRecord(model, recipe, seed, data, options, split_seed=seed)
        folder.require_new()
    dataset = open_dataset(record.data, record.options)
    reporter.note(f"{record.model} on {dataset.name} ({len(dataset)} images): {record.recipe.source}")
    split = split_dataset(dataset, seed=record.split_seed)
    trainer = Trainer(record, dataset, split, folder, device=choose_device(device), reporter=reporter)
    try:
        outcome = trainer.resume() if resume else trainer.start()
    except KeyboardInterrupt:
        reporter.note(f"Stopped. Go on with: edgekit train --resume {folder.path}")
        raise
    if as_json:
        print_json({"schema": "edgekit.train/1", "checkpoint": str(folder.best), "best": outcome.metrics})
        return
    reporter.note(f"Best epoch {outcome.epoch}: validation mIoU {outcome.metrics['miou']:.4f}.")
    click.echo(folder.best)


def _require_no_choice(context: click.Context) -> None:
    """A resumed run is the run that was begun: what was typed beside --resume would be ignored."""
    decided = (
        "model",
        "data",
        "include_normal",
        "boxes_as_masks",
        "schedule",
        "epochs",
        "learning_rate",
        "out",
        "seed",
    )
    typed = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name in decided
        and context.get_parameter_source(parameter.name) is click.core.ParameterSource.COMMANDLINE
    ]
    if typed:
        raise UsageProblem(
            f"--resume goes on with the run as it was begun, with no other choice: it takes no {', '.join(typed)}.",
            remedy="Leave that out, or begin a new run.",
        )
