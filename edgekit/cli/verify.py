"""`edgekit verify`."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.options import (
    any_path,
    backend_option,
    device_option,
    json_option,
    print_json,
    quiet_option,
)
from edgekit.cli.provenance import announce
from edgekit.reporting import Reporter
from edgekit_runtime import Bundle, Manifest, verify_bundle
from edgekit_runtime.bundle import TuningInfo


@click.command()
@click.argument("bundle", type=any_path)
@device_option
@backend_option
@json_option
@quiet_option
def verify(*, bundle: Path, device: str, backend: str, as_json: bool, reporter: Reporter) -> None:
    """Check every byte of a BUNDLE, and that it still gives the answers that it gave at export."""
    report = verify_bundle(bundle, device=device, backend=backend)
    if as_json:
        print_json(report.to_dict())
    else:
        for check in report.checks:
            click.echo(f"{'✓' if check.ok else '✗'} {check.name}: {check.detail}")
    if report.error is not None:
        raise report.error
    manifest = Bundle.open(bundle).manifest
    announce(manifest.provenance.kind, reporter)
    if not as_json:
        click.echo(f"{bundle} is sound: {_describe(manifest)}")
        if manifest.tuning is not None:
            click.echo(f"its threshold and rules were chosen {_describe_choice(manifest.tuning)}")


def _describe(manifest: Manifest) -> str:
    contract, pixels = manifest.input, manifest.input.pixels
    size = f"{contract.height}×{contract.width} pixels (height × width)"
    if contract.fit == "pad":
        size = f"up to {size}"
    elif contract.fit == "tile":
        size = f"any size, cut into tiles of {size} that share {contract.overlap}"
    kind = f"{pixels.bits}-bit {pixels.channels} frames"
    return f"{manifest.model.name}, {manifest.precision}; it takes {kind} of {size}."


def _describe_choice(tuning: TuningInfo) -> str:
    return (
        f"on {tuning.data} for {tuning.goal}: there {tuning.escapes} of {tuning.defective_images} defective images "
        f"escape and {tuning.overkills} of {tuning.normal_images} defect-free ones are rejected"
    )
