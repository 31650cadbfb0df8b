"""`edgekit import-weights`."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.options import any_path, quiet_option
from edgekit.reporting import Reporter
from edgekit_runtime.optional import import_optional


@click.command("import-weights")
@click.argument("file", type=any_path)
@click.option("--model", required=True, help="The CheapNet it was trained as, such as cheapnet-g4.")
@click.option("--mean", type=float, required=True, help="Mean grey value of its training images, 0 to 1.")
@click.option("--std", type=float, required=True, help="Standard deviation of these, 0 to 1.")
@click.option("--out", type=any_path, required=True, help="Folder of the new checkpoint.")
@quiet_option
def import_weights(*, file: Path, model: str, mean: float, std: float, out: Path, reporter: Reporter) -> None:
    """Turn a checkpoint FILE of CheapNet's authors into one of edgekit.

    The file is read without running any code in it; names, shapes and values are checked.
    """
    for package in ("torch", "safetensors"):
        import_optional(package, extra="train")
    from edgekit.checkpoints import save_checkpoint
    from edgekit.checkpoints.authors import import_authors_weights

    checkpoint, weights = import_authors_weights(file, model=model, mean=mean, std=std)
    save_checkpoint(out, checkpoint, weights)
    reporter.note(f"Imported {len(weights)} tensors of {model}.")
    click.echo(out)
