"""`edgekit train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgekit.cli.options import (
    any_path,
    data_options,
    json_option,
    print_json,
    quiet_option,
    seed_option,
)
from edgekit.cli.pixel_options import choose_pixels, pixel_options, scale_option
from edgekit.cli.train_options import change_recipe, recipe_options
from edgekit.data import OpenOptions
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.optional import import_optional

if TYPE_CHECKING:
    from edgekit.train.engine import TrainingOutcome
    from edgekit.train.run_folder import RunFolder, RunRecord
    from edgekit.train.shards import Processes

HOW_IT_RUNS = ("resume", "device", "tensorboard", "as_json", "reporter")
"""Options that a resumed run takes: they change how it runs, not what it is."""

OF_THE_RUN = (
    *(
        "model",
        "data",
        "include_normal",
        "boxes_as_masks",
        "bits",
        "grey",
        "scale",
        "schedule",
        "seed",
        "out",
    ),
    *("init", "teacher", "folds", "fold", "split_seed", "shards"),
)
"""Options that are no part of the recipe."""


@click.command()
@click.option("--model", help="Such as cheapnet-s; `edgekit models` lists them.")
@data_options(required=False)
@pixel_options
@scale_option
@click.option(
    "--recipe",
    "schedule",
    type=click.Choice(["quick", "short", "paper"]),
    default="short",
    show_default=True,
    help="quick: two minutes, to see it work. short: results on a CPU. paper: the paper's own schedule.",
)
@recipe_options
@click.option("--init", type=any_path, help="Checkpoint whose weights the run begins with.")
@click.option("--teacher", type=any_path, help="Checkpoint whose answers are learnt beside the truth.")
@click.option(
    "--folds", type=click.IntRange(3), help="Cross-validation: split into so many folds instead of 70:10:20."
)
@click.option("--fold", type=click.IntRange(0), help="Which fold is the test part, from 0.")
@click.option("--split-seed", type=click.IntRange(0), help="Of the split.  [default: --seed]")
@click.option(
    "--shards", type=click.IntRange(1), help="Parts of each batch, as so many processes would share it."
)
@click.option("--out", type=any_path, help="Folder of the run; must be new.  [default: runs/MODEL-RECIPE]")
@click.option("--resume", type=any_path, help="Go on with a run that was interrupted; takes no other choice.")
@click.option(
    "--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:N]", help="Where to train."
)
@click.option("--tensorboard", is_flag=True, help="Write RUN/tensorboard too.")
@seed_option
@json_option
@quiet_option
def train(
    *,
    resume: Path | None,
    device: str,
    tensorboard: bool,
    as_json: bool,
    reporter: Reporter,
    **choices: Any,
) -> None:
    """Train a model and keep the best and the last epoch.

    The data are split 70 : 10 : 20 into train, val and test by the seed; images of one thing, and near-duplicates,
    stay together. The best epoch is chosen on val; `edgekit eval` measures on test. Under torchrun every process
    takes its shard of each batch.
    """
    for package in ("torch", "safetensors", "matplotlib"):
        import_optional(package, extra="train")
    if tensorboard:
        import_optional("tensorboard", extra="tensorboard")
    from edgekit.train.allocator import keep_freed_memory
    from edgekit.train.devices import choose_device
    from edgekit.train.plots import LABELS
    from edgekit.train.run_folder import RunFolder
    from edgekit.train.shards import join_processes

    keep_freed_memory()
    with join_processes(device=choose_device(device)) as processes:
        if resume is not None:
            _require_no_choice(click.get_current_context())
            folder = RunFolder(resume)
            record = folder.read()
        else:
            folder, record = _begin(choices, processes)
        reporter = reporter if processes.leads else Reporter(quiet=True)
        outcome = _run(
            folder,
            record,
            resumed=resume is not None,
            device=choose_device(device, rank=processes.local_rank),
            processes=processes,
            tensorboard=tensorboard,
            reporter=reporter,
        )
    if not processes.leads:
        return
    if as_json:
        print_json({"schema": "edgekit.train/1", "checkpoint": str(folder.best), "best": outcome.metrics})
        return
    score = outcome.metrics[outcome.score_name]
    reporter.note(f"Best epoch {outcome.epoch}: validation {LABELS[outcome.score_name]} {score or 0:.4f}.")
    click.echo(folder.best)


def _begin(choices: dict[str, Any], processes: Processes) -> tuple[RunFolder, RunRecord]:
    """Return a new run's folder, not yet made, and its record."""
    from edgekit.train.recipes import get_recipe
    from edgekit.train.run_folder import RunFolder, RunRecord, SplitChoice
    from edgekit.train.starting_points import refer_to

    taken = {name: choices.pop(name) for name in OF_THE_RUN}
    model, seed = taken["model"], taken["seed"]
    if not model or not taken["data"]:
        raise UsageProblem("Name --model and --data, or --resume RUN.")
    if (taken["folds"] is None) != (taken["fold"] is None):
        raise UsageProblem("--folds and --fold go together.", remedy="Such as --folds 5 --fold 0.")
    recipe = get_recipe(MODELS.get(model).recipe, taken["schedule"])
    folder = RunFolder(taken["out"] or Path("runs") / f"{model}-{taken['schedule']}")
    if processes.leads:
        folder.require_new()
    split_seed = seed if taken["split_seed"] is None else taken["split_seed"]
    record = RunRecord(
        model=model,
        recipe=change_recipe(recipe, choices, taught=taken["teacher"] is not None),
        seed=seed,
        data=taken["data"],
        options=OpenOptions(
            taken["include_normal"],
            taken["boxes_as_masks"],
            choose_pixels(taken["bits"], taken["grey"], taken["scale"]),
        ),
        split=SplitChoice(split_seed, taken["folds"], taken["fold"]),
        shards=taken["shards"] or processes.count,
        init=refer_to(taken["init"]) if taken["init"] else None,
        teacher=refer_to(taken["teacher"]) if taken["teacher"] else None,
    )
    return folder, record


def _run(
    folder: RunFolder,
    record: RunRecord,
    *,
    resumed: bool,
    device: str,
    processes: Processes,
    tensorboard: bool,
    reporter: Reporter,
) -> TrainingOutcome:
    from edgekit.train.engine import Trainer
    from edgekit.train.run_data import open_run_data

    dataset, split = open_run_data(record, reporter=reporter)
    found = f", {dataset.layout}" if dataset.layout else ""
    reporter.note(
        f"{record.model} on {dataset.name} ({len(dataset)} images{found}; "
        f"{', '.join(f'{len(indices)} {part}' for part, indices in split.parts.items())}): {record.recipe.source}"
    )
    pixels = record.options.pixels
    if pixels != PixelFormat():
        formula = "" if pixels.grey == "equal" else f"; RGB becomes grey by {pixels.grey}"
        reporter.note(f"pixels of {pixels.bits} bits, {pixels.scale:g} counts as 1.0{formula}")
    trainer = Trainer(
        record,
        dataset,
        split,
        folder,
        device=device,
        processes=processes,
        tensorboard=tensorboard,
        reporter=reporter,
    )
    try:
        return trainer.resume() if resumed else trainer.start()
    except KeyboardInterrupt:
        reporter.note(f"Stopped. Go on with: edgekit train --resume {folder.path}")
        raise


def _require_no_choice(context: click.Context) -> None:
    """A resumed run is the run that was begun: what was typed beside --resume would be ignored."""
    typed = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in HOW_IT_RUNS
        and context.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE
    ]
    if typed:
        raise UsageProblem(
            f"--resume goes on with the run as it was begun, with no other choice: it takes no {', '.join(typed)}.",
            remedy="Leave that out, or begin a new run.",
        )
