"""`edgekit calibrate`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from edgekit.choosing.areas import AreaMeter, find_threshold
from edgekit.choosing.choice import Choice, choose_point, describe_tuning
from edgekit.choosing.document import make_document
from edgekit.choosing.goal import Goal, parse_share
from edgekit.choosing.images import open_images
from edgekit.choosing.known_images import know_images
from edgekit.choosing.trade_off_page import write_trade_off_page
from edgekit.choosing.wording import describe_choice, describe_point
from edgekit.cli.options import (
    any_path,
    backend_option,
    data_options,
    device_option,
    json_option,
    print_json,
    quiet_option,
    threads_option,
)
from edgekit.cli.provenance import announce, mark
from edgekit.data import OpenOptions
from edgekit.data.splitting.parts import ChosenPart
from edgekit.evaluation.row_files import require_place
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.bundle.retuning import retune_bundle
from edgekit_runtime.bundle.writer import check_other_place
from edgekit_runtime.errors import GateFailed, UsageProblem
from edgekit_runtime.quotas import override_rules


def _read_share(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Fraction | None:
    return None if text is None else parse_share(text)


@click.command()
@click.argument("target", type=any_path, metavar="BUNDLE")
@data_options(required=True)
@click.option(
    "--split",
    "part",
    type=click.Choice(["train", "val", "test", "all"]),
    help="Which part of the data.  [default: the validation part of the training data, all of any other]",
)
@click.option(
    "--max-escape",
    callback=_read_share,
    metavar="SHARE",
    help="Largest share of defective images that may be accepted, such as 0.5%.",
)
@click.option(
    "--max-overkill",
    callback=_read_share,
    metavar="SHARE",
    help="Largest share of defect-free images that may be rejected, such as 2%.",
)
@click.option("--cost-ratio", type=float, help="An escape costs as much as this many overkills.")
@click.option("--out", type=any_path, required=True, help="The new bundle, NAME.edgekit.")
@click.option("--page", type=any_path, help="Write the trade-off as a page, FILE.html.")
@device_option
@backend_option
@threads_option
@json_option
@quiet_option
def calibrate(
    *,
    target: Path,
    data: str,
    include_normal: bool | None,
    boxes_as_masks: bool,
    part: str | None,
    max_escape: Fraction | None,
    max_overkill: Fraction | None,
    cost_ratio: float | None,
    out: Path,
    page: Path | None,
    as_json: bool,
    reporter: Reporter,
    **running: Any,
) -> None:
    """Choose the threshold and the least area of a BUNDLE on images, and write a new bundle with them.

    A defective image without a region that counts escapes; a defect-free one with such a region is overkill. With
    --max-escape the overkill is made small within that limit, with --max-overkill the escape; --cost-ratio weighs the
    two, as often as they occur in these images, within the limits that are given. Images that the network was trained
    on are refused. Where the limits cannot be held the best is shown, nothing is written, and the exit code is 3.
    """
    goal = Goal(max_escape, max_overkill, cost_ratio)
    bundle = _open_bundle(target, out, page)
    announce(bundle.manifest.provenance.kind, reporter)
    options = OpenOptions(include_normal, boxes_as_masks)
    chosen_part = open_images(data, bundle.manifest, part=part, options=options, reporter=reporter)
    _warn(bundle, chosen_part, reporter)
    zones = bundle.manifest.rules.zones
    images = know_images(chosen_part.dataset, zones=zones, reporter=reporter)
    meter = AreaMeter(bundle, images, reporter=reporter, **running)
    choice = choose_point(bundle, images, meter, goal)
    written = _write(bundle, out, choice, chosen_part) if choice.reached else None
    document = make_document(
        choice,
        target=str(target),
        bundle=bundle,
        written=written,
        part=chosen_part,
        images=images,
        backend=meter.backend,
    )
    if page is not None:
        write_trade_off_page(page, choice, document)
    if as_json:
        print_json(document)
    else:
        _print(choice, document)
    if written is None:
        raise _report_failure(choice)
    reporter.note(f"wrote {out}, digest {written.digest[:12]}")


def _open_bundle(target: Path, out: Path, page: Path | None) -> Bundle:
    """Open the bundle and refuse what cannot end well, before work of minutes."""
    if (target / "checkpoint.json").is_file():
        raise UsageProblem(
            f"{target} is a checkpoint; thresholds belong to a bundle.",
            remedy=f"Export it first: edgekit export --model NAME --checkpoint {target} --out NAME.edgekit",
        )
    bundle = Bundle.open(target)
    find_threshold(bundle)
    check_other_place(bundle.path, out)
    if page is not None:
        require_place(page)
    return bundle


def _warn(bundle: Bundle, part: ChosenPart, reporter: Reporter) -> None:
    if part.part == "test":
        reporter.note(
            "warning: a threshold that is chosen on the test part leaves no images to measure it on: figures of "
            "this part are then too good."
        )
    if bundle.manifest.data is None:
        reporter.note(
            "warning: the bundle does not say what it was trained on: be sure that these images are others."
        )
    elif part.part == "all":
        reporter.note(
            "note: these are not the data of the training as a whole. A bundle does not know its training images one "
            "by one: be sure that none of them is among these."
        )


def _write(bundle: Bundle, out: Path, choice: Choice, part: ChosenPart) -> Bundle:
    point = choice.chosen.point
    return retune_bundle(
        bundle,
        out,
        thresholds={find_threshold(bundle): point.threshold},
        rules=override_rules(bundle.manifest.rules, min_area_px=point.min_area_px),
        tuning=describe_tuning(choice, part),
    )


def _print(choice: Choice, document: dict[str, Any]) -> None:
    counted = document["images"]
    source = f"{document['backend']}{mark(document['provenance'])}"
    click.echo(
        f"{document['target']} on {document['data']}, {document['split']} part: {counted['defective']:,} defective and "
        f"{counted['normal']:,} defect-free images of {counted['groups']:,} things, {source}"
    )
    click.echo(f"goal: {choice.goal.describe()}")
    for line in describe_choice(choice):
        click.echo(line)


def _report_failure(choice: Choice) -> GateFailed:
    threshold, area, escape, overkill = describe_point(choice.chosen)[:4]
    return GateFailed(
        f"Not reached: {choice.goal.describe()}. The best is escape {escape}, overkill {overkill}, at threshold "
        f"{threshold} and {area}; nothing was written.",
        remedy="Ask for less, or train on: more images, more steps, a larger model (`edgekit models --for`).",
    )
