"""`edgekit rules`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from edgekit.cli.options import any_path, print_json, quiet_option
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import Bundle, write_bundle
from edgekit_runtime.bundle.decoding import encode
from edgekit_runtime.bundle.rules_document import apply_rules, make_rules_document, read_rules_document
from edgekit_runtime.bundle.writer import check_other_place
from edgekit_runtime.errors import UsageProblem


@click.command()
@click.argument("bundle", type=any_path)
@click.option("--set", "changed", type=any_path, help="Rules to take: a document as this command prints it.")
@click.option("--mm-per-px", type=float, help="Millimetres per pixel, for areas and lengths.")
@click.option("--out", type=any_path, help="The new bundle, NAME.edgekit.")
@quiet_option
def rules(
    *, bundle: Path, changed: Path | None, mm_per_px: float | None, out: Path | None, reporter: Reporter
) -> None:
    """Print when a BUNDLE rejects a part, or write a new bundle with other rules.

    The document says how large a pixel is, which regions count (least areas in px and mm², per class), how many a
    part or a length of web may have, and where nothing is looked for. Edit it and give it back with --set; graphs
    and thresholds stay as they are. `edgekit calibrate` chooses the least area on images.
    """
    opened = Bundle.open(bundle)
    document = make_rules_document(opened.manifest) if changed is None else read_rules_document(changed)
    if mm_per_px is not None:
        document = replace(document, mm_per_pixel=mm_per_px)
    if out is None:
        if changed is not None or mm_per_px is not None:
            raise UsageProblem(
                "A bundle is never changed in place.", remedy="Name the new bundle with --out NEW.edgekit."
            )
        print_json(encode(document))
        return
    check_other_place(opened.path, out)
    manifest = apply_rules(opened.manifest, document)
    written = write_bundle(out, manifest, {name: opened.read(name) for name in manifest.files})
    reporter.note(f"wrote {out}, digest {written.digest[:12]}")
