"""`edgekit import-weights`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgekit.cli.options import any_path, quiet_option
from edgekit.reporting import Reporter
from edgekit_export.exportable import Normalisation
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.optional import import_optional

Numbers = tuple[float, ...]

AUTHORS, TORCHVISION = "cheapnet", "torchvision"

MOST_NAMES = 4
"""Fresh tensors that are named one by one; weight and bias of a layer are two."""


class NumbersType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """One number, or one per channel with commas between."""

    name = "X[,X,X]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Numbers:
        """Return the numbers."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(
                f"{value!r} is no number; write one, or one per channel such as 0.485,0.456,0.406.",
                param,
                ctx,
            )


@click.command("import-weights")
@click.argument("file", type=any_path)
@click.option(
    "--model",
    required=True,
    help="What it was trained as, such as cheapnet-g4 or resnet50; or what takes its backbone, such as dinet.",
)
@click.option(
    "--from",
    "source",
    type=click.Choice([AUTHORS, TORCHVISION]),
    default=AUTHORS,
    show_default=True,
    help="Who wrote FILE: CheapNet's authors, or torchvision.",
)
@click.option(
    "--mean", type=NumbersType(), help="Mean of its training images, 0 to 1.  [default: torchvision's]"
)
@click.option(
    "--std", type=NumbersType(), help="Standard deviation of these, 0 to 1.  [default: torchvision's]"
)
@click.option("--classes", metavar="A,B,…", help="Class names of a classifier.  [default: the model's]")
@click.option("--normal-class", metavar="NAME", help="The one of them that means no defect.")
@click.option(
    "--new-head", is_flag=True, help="Leave the last layer fresh: FILE answers other classes than yours."
)
@click.option("--out", type=any_path, required=True, help="Folder of the new checkpoint.")
@quiet_option
def import_weights(
    *,
    file: Path,
    model: str,
    source: str,
    mean: Numbers | None,
    std: Numbers | None,
    classes: str | None,
    normal_class: str | None,
    new_head: bool,
    out: Path,
    reporter: Reporter,
) -> None:
    """Turn a weights FILE of CheapNet's authors or of torchvision into a checkpoint of edgekit.

    The file is read without running any code in it; names, shapes and values are checked. dinet and dinet-a take the
    backbone of a resnet50 FILE, mobile-di that of a mobilenet_v3_large; the rest is fresh: go on with `edgekit train
    --init`.
    """
    for package in ("torch", "safetensors"):
        import_optional(package, extra="train")
    from edgekit.checkpoints import save_checkpoint
    from edgekit.checkpoints.authors import import_authors_weights
    from edgekit.checkpoints.torchvision import import_torchvision_weights

    fresh: tuple[str, ...] = ()
    if source == AUTHORS:
        if classes is not None or normal_class is not None or new_head:
            raise UsageProblem(
                "--classes, --normal-class and --new-head belong to classifiers.",
                remedy=f"Leave them out, or add --from {TORCHVISION}.",
            )
        grey_mean, grey_std = _require_grey(mean, std)
        checkpoint, weights = import_authors_weights(file, model=model, mean=grey_mean, std=grey_std)
    else:
        checkpoint, weights, fresh = import_torchvision_weights(
            file,
            model=model,
            classes=None if classes is None else [name.strip() for name in classes.split(",")],
            normal_class=normal_class,
            normalisation=_choose_normalisation(mean, std),
            new_head=new_head,
        )
    save_checkpoint(out, checkpoint, weights)
    reporter.note(f"Imported {len(weights) - len(fresh)} tensors of {model}.")
    if fresh:
        reporter.note(f"note: {_describe_fresh(fresh)} are fresh: train the checkpoint before it is used.")
    click.echo(out)


def _describe_fresh(names: tuple[str, ...]) -> str:
    if len(names) <= MOST_NAMES:
        return ", ".join(names)
    groups = sorted({name.split(".")[0] for name in names})
    return f"{len(names)} tensors of {' and '.join(groups)}"


def _require_grey(mean: Numbers | None, std: Numbers | None) -> tuple[float, float]:
    if mean is None or std is None or len(mean) != 1 or len(std) != 1:
        raise UsageProblem(
            "Weights of CheapNet's authors need one --mean and one --std, of their training images' grey values.",
            remedy=f"The authors' class 6 has --mean 0.348 --std 0.278; for torchvision's add --from {TORCHVISION}.",
        )
    return mean[0], std[0]


def _choose_normalisation(mean: Numbers | None, std: Numbers | None) -> Normalisation:
    from edgekit.checkpoints.torchvision import IMAGENET

    if (mean is None) != (std is None):
        raise UsageProblem(
            "--mean and --std belong together.", remedy="Give both, or neither for ImageNet's."
        )
    return IMAGENET if mean is None or std is None else Normalisation(mean, std)
