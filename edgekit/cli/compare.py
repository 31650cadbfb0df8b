"""`edgekit compare`."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from edgekit.cli.options import any_path, json_option, print_json, seed_option
from edgekit_benchmarks import Change, compare_documents, read_document
from edgekit_benchmarks.comparing import SCHEMA
from edgekit_runtime.bundle.decoding import encode


@click.command()
@click.argument("before", type=any_path, metavar="A.json")
@click.argument("after", type=any_path, metavar="B.json")
@seed_option
@json_option
def compare(*, before: Path, after: Path, seed: int, as_json: bool) -> None:
    """Compare two documents of `edgekit bench --json` that were measured alike.

    Bundles are told by their hash; edgekit's version and the backend may differ. Unlike machines, packages or options
    are refused.
    """
    changes = compare_documents(read_document(before), read_document(after), np.random.default_rng(seed))
    if as_json:
        print_json({"schema": SCHEMA, "changes": encode(changes)})
        return
    for change in changes:
        click.echo(_describe(change))


def _describe(change: Change) -> str:
    backends = change.before_backend
    if change.after_backend != backends:
        backends += f" → {change.after_backend}"
    ratio = change.ratio
    if ratio.low > 1:
        verdict = "faster"
    elif ratio.high < 1:
        verdict = "slower"
    else:
        verdict = "no difference shown"
    batch = f" batch {change.batch}" if change.batch > 1 else ""
    return (
        f"{change.bundle}{batch}  {backends}  p50 {change.before_p50_ms:.3f} → {change.after_p50_ms:.3f} ms  "
        f"{ratio.median:.3f} × as fast (95 %: {ratio.low:.3f} to {ratio.high:.3f}): {verdict}"
    )
