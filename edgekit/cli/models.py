"""`edgekit models`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from edgekit.choosing.measured_table import SCHEMA, read_measured
from edgekit.choosing.measurements import Measurement, pair_documents
from edgekit.choosing.models_page import write_models_page
from edgekit.choosing.requirements import Requirements, parse_requirements
from edgekit.cli.models_text import describe_measured
from edgekit.cli.options import any_path, json_option, print_json, quiet_option
from edgekit.evaluation.row_files import require_place
from edgekit.models.table import read_table
from edgekit.reporting import Reporter
from edgekit.shipped import list_shipped_checkpoints
from edgekit_runtime.bundle.decoding import encode
from edgekit_runtime.errors import UsageProblem


def _read_requirements(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> Requirements | None:
    return None if text is None else parse_requirements(text)


@click.command()
@click.option(
    "--for",
    "wanted",
    callback=_read_requirements,
    metavar="FIGURE=BOUND,…",
    help="Which measured models reach this, such as recall=0.95,ms=2 (also miou, escape, overkill; backend, "
    "precision, data, model are names).",
)
@click.option(
    "--add",
    "added",
    type=any_path,
    multiple=True,
    help="Your own figures: what `eval --json` and `bench --json` print for one bundle; may be repeated.",
)
@click.option("--page", type=any_path, help="Write the measured models as a page, FILE.html.")
@json_option
@quiet_option
def models(
    *,
    wanted: Requirements | None,
    added: tuple[Path, ...],
    page: Path | None,
    as_json: bool,
    reporter: Reporter,
) -> None:
    """List the models with their parameters and operations, or those that were measured.

    MACs are multiply-accumulates of one image at the input size; FLOPs follow the rule of the paper's own table. With
    --for, --add or --page, what is listed was measured: on which images, on which machine, by which command.
    """
    if wanted is None and page is None and not added:
        _list_models(as_json=as_json)
        return
    if page is not None:
        require_place(page)
    rows = [*_read_own(added), *read_measured()]
    if page is not None:
        write_models_page(page, rows)
        reporter.note(f"wrote {page}")
    gaps = [[] if wanted is None else wanted.find_gaps(row) for row in rows]
    if as_json:
        print_json(_make_document(rows, gaps))
    elif wanted is not None or page is None:
        for line in describe_measured(rows, gaps, asked=wanted is not None):
            click.echo(line)


def _read_own(paths: Sequence[Path]) -> list[Measurement]:
    documents = []
    for path in paths:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise UsageProblem(
                f"{path} cannot be read as a JSON document: {error}.",
                remedy="Give a file that `edgekit eval --json` or `edgekit bench --json` printed.",
            ) from error
        documents.append((path.name, document if isinstance(document, dict) else {}))
    return [dataclasses.replace(row, own=True) for row in pair_documents(documents)]


def _make_document(rows: Sequence[Measurement], gaps: Sequence[Sequence[str]]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "rows": [
            {**encode(row), "reaches": not missing, "gaps": list(missing)}
            for row, missing in zip(rows, gaps, strict=True)
        ],
    }


def _list_models(*, as_json: bool) -> None:
    document = read_table()
    if as_json:
        print_json(document)
        return
    shipped = list_shipped_checkpoints()
    click.echo(
        f"{'model':18} {'task':9} {'input':12} {'parameters':>12} {'MACs':>20} {'FLOPs (paper)':>20}  demo weights"
    )
    for row in document["models"]:
        click.echo(_format_row(row, demo=row["name"] in shipped))
    click.echo("\nModels with early exits, MACs of an image that leaves at exit 1, 2, …:")
    for row in document["models"]:
        if row["exits"]:
            click.echo(_format_exits(row))
    click.echo(f"\nAny other width of CheapNet: {', '.join(document['families'])}.")


def _format_row(row: dict[str, Any], *, demo: bool) -> str:
    size = "×".join(map(str, row["input"]))
    return (
        f"{row['name']:18} {row['task']:9} {size:12} {row['parameters']:12,} {row['macs']:20,} {row['flops']:20,}"
        f"  {'yes' if demo else ''}"
    ).rstrip()


def _format_exits(row: dict[str, Any]) -> str:
    spent = "".join(f"{leaving['macs']:17,}" for leaving in row["exits"])
    return f"{row['name']:18}{spent}"
