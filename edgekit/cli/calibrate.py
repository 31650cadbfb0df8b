"""`edgekit calibrate`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from edgekit.choosing.areas import find_threshold
from edgekit.choosing.calibration import Calibration
from edgekit.choosing.document import make_document
from edgekit.choosing.exits.answering import require_exits
from edgekit.choosing.exits.calibration import calibrate_exits
from edgekit.choosing.exits.goal import CostLimit, ExitGoal, parse_cost
from edgekit.choosing.goal import Goal, parse_share
from edgekit.choosing.images import open_images
from edgekit.choosing.known_images import know_images
from edgekit.choosing.region_calibration import calibrate_regions
from edgekit.choosing.wording import describe_source
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
from edgekit_runtime.bundle.writer import check_other_place
from edgekit_runtime.errors import GateFailed, UsageProblem


def _read_share(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Fraction | None:
    return None if text is None else parse_share(text)


def _read_cost(_context: click.Context, _parameter: click.Parameter, text: str | None) -> CostLimit | None:
    return None if text is None else parse_cost(text)


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
@click.option(
    "--max-cost",
    callback=_read_cost,
    metavar="COST",
    help="Exits: largest expected cost of a frame, such as 60% of what the last exit costs, or 12.5G "
    "multiply-accumulates.",
)
@click.option(
    "--defective-share",
    callback=_read_share,
    metavar="SHARE",
    help="Exits: how many frames of the line show a defect, such as 1%.  [default: as many as in these images]",
)
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
    max_cost: CostLimit | None,
    defective_share: Fraction | None,
    out: Path,
    page: Path | None,
    as_json: bool,
    reporter: Reporter,
    **running: Any,
) -> None:
    """Choose the thresholds of a BUNDLE on images, and write a new bundle with them.

    A defective image that is accepted escapes; a defect-free one that is rejected is overkill. Images that the network
    was trained on are refused. Where the limits cannot be held the best is shown, nothing is written, and the exit
    code is 3.

    Of a bundle that segments, the threshold and the least area of a region are chosen. With --max-escape the overkill
    is made small within that limit, with --max-overkill the escape; --cost-ratio weighs the two, as often as they
    occur in these images, within the limits that are given.

    Of a bundle that classifies with several exits, the thresholds of the exits are chosen: how sure an exit must be to
    answer. With --max-escape or --max-overkill the expected cost of a frame is made small within them; with --max-cost
    the escape is, or what --cost-ratio weighs, or the error without a limit. An error that is neither limited nor made
    small may be no more than what the last exit makes.
    """
    bundle = _open_bundle(target, out, page)
    goal = _read_goal(bundle, max_escape, max_overkill, cost_ratio, max_cost, defective_share)
    announce(bundle.manifest.provenance.kind, reporter)
    options = OpenOptions(include_normal, boxes_as_masks)
    chosen_part = open_images(data, bundle.manifest, part=part, options=options, reporter=reporter)
    _warn(bundle, chosen_part, reporter)
    # What classifies looks at the whole frame.
    zones = () if isinstance(goal, ExitGoal) else bundle.manifest.rules.zones
    images = know_images(chosen_part.dataset, zones=zones, reporter=reporter)
    calibration: Calibration
    if isinstance(goal, ExitGoal):
        calibration = calibrate_exits(bundle, chosen_part, images, goal, reporter=reporter, **running)
    else:
        calibration = calibrate_regions(bundle, chosen_part, images, goal, reporter=reporter, **running)
    written = calibration.write_bundle(out) if calibration.reached else None
    document = make_document(calibration, target=str(target), written=written)
    if page is not None:
        calibration.write_page(page, document)
    if as_json:
        print_json(document)
    else:
        _print(calibration, document)
    if written is None:
        raise _report_failure(calibration)
    reporter.note(f"wrote {out}, digest {written.digest[:12]}")


def _open_bundle(target: Path, out: Path, page: Path | None) -> Bundle:
    """Open the bundle and refuse what cannot end well, before work of minutes."""
    if (target / "checkpoint.json").is_file():
        raise UsageProblem(
            f"{target} is a checkpoint; thresholds belong to a bundle.",
            remedy=f"Export it first: edgekit export --model NAME --checkpoint {target} --out NAME.edgekit",
        )
    bundle = Bundle.open(target)
    if bundle.manifest.model.task == "classify":
        require_exits(bundle)
    else:
        find_threshold(bundle)
    check_other_place(bundle.path, out)
    if page is not None:
        require_place(page)
    return bundle


def _read_goal(
    bundle: Bundle,
    max_escape: Fraction | None,
    max_overkill: Fraction | None,
    cost_ratio: float | None,
    max_cost: CostLimit | None,
    defective_share: Fraction | None,
) -> Goal | ExitGoal:
    if bundle.manifest.model.task == "classify":
        return ExitGoal(max_escape, max_overkill, max_cost, cost_ratio, defective_share)
    for name, value in (("--max-cost", max_cost), ("--defective-share", defective_share)):
        if value is not None:
            raise UsageProblem(
                f"{bundle.path.name} segments: every frame costs the same, and {name} is for bundles that classify "
                "with several exits.",
                remedy="Leave it out.",
            )
    return Goal(max_escape, max_overkill, cost_ratio)


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


def _print(calibration: Calibration, document: dict[str, Any]) -> None:
    source = f"{document['backend']}{mark(document['provenance'])}"
    click.echo(f"{document['target']} on {describe_source(document)}, {source}")
    click.echo(f"goal: {calibration.goal}")
    for line in calibration.describe():
        click.echo(line)


def _report_failure(calibration: Calibration) -> GateFailed:
    return GateFailed(
        f"Not reached: {calibration.goal}. The best is {calibration.describe_best()}; nothing was written.",
        remedy="Ask for less, or train on: more images, more steps, a larger model (`edgekit models --for`).",
    )
