"""`edgekit line`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from edgekit.cli.closed_pipe import forget_reader
from edgekit.cli.line_text import describe_answer, describe_summary
from edgekit.cli.options import (
    AmountType,
    any_path,
    backend_option,
    device_option,
    quiet_option,
    seed_option,
    threads_option,
)
from edgekit.cli.provenance import announce
from edgekit.line.planning import LineRequest, find_least_px, plan_line
from edgekit.line.signals import obey_signals
from edgekit.line.sources import CLOTH, PAPER_WIDTH, MadeWeb
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.line import DetectorChoice, Line, PacedStrips, PartAnswer
from edgekit_runtime.line.summary import SCHEMA

amount = AmountType()


@click.command()
@click.argument("bundle", type=any_path)
@click.option(
    "--source",
    required=True,
    metavar=f"[folder:]PATH|video:FILE|{CLOTH}",
    help="The web: images in the order of their names, frames of a video (their luma for a grey bundle without a "
    "formula), or generated cloth without end.",
)
@click.option(
    "--line-speed",
    type=amount,
    metavar="M_PER_MIN",
    help="Strips come when the web has moved on at this speed.  [default: as fast as they are inspected]",
)
@click.option("--mm-per-px", type=amount, help="Length of a row of the web.  [default: the bundle's]")
@click.option("--part-length", type=amount, metavar="MM", help="[default: the rows of a tile]")
@click.option("--drop-left", type=click.IntRange(0), default=0, help="Columns of tiles left out at the left.")
@click.option("--drop-right", type=click.IntRange(0), default=0, help="… and at the right.")
@click.option(
    "--policy",
    type=click.Choice(["queue-all", "newest-wins"]),
    default="queue-all",
    show_default=True,
    help="When strips come faster than they are inspected: let the source wait, or leave out the oldest.",
)
@click.option(
    "--waiting",
    type=click.IntRange(1, 10_000),
    help="Strips that may wait to be inspected.  [default: 4 with queue-all, 1 with newest-wins]",
)
@click.option(
    "--deadline",
    type=amount,
    metavar="MS",
    help="From the capture of a part's last strip to its verdict.  "
    "[default: while one strip passes, and the rows below the part that its verdict needs]",
)
@click.option("--stall", type=amount, metavar="S", help="End when the source gives nothing for so long.")
@click.option("--parts", type=click.IntRange(1), help="Stop after so many parts.")
@click.option("--metres", type=amount, help="Stop after so many metres.")
@click.option(
    "--threshold", type=float, help="Logit from which a pixel is a defect.  [default: the bundle's]"
)
@click.option(
    "--min-area",
    type=click.IntRange(0),
    help="Smaller regions, in px, do not count, whatever their class.  [default: the bundle's rules]",
)
@click.option("--records", type=any_path, help="Folder for all results as JSON lines, in files that rotate.")
@click.option(
    "--save-rejected",
    type=any_path,
    help="Folder for images of rejected parts, of 1 GB at most: the oldest go.",
)
@click.option(
    "--watch-bundle", is_flag=True, help="Take a new bundle at the same path as soon as it is proved."
)
@click.option(
    "--width",
    type=click.IntRange(64),
    default=PAPER_WIDTH,
    show_default=True,
    help="Of generated cloth, in px; 8192 is two cameras of 4096 side by side.",
)
@click.option(
    "--strip-rows", type=click.IntRange(1), help="Of generated cloth.  [default: the rows of a tile]"
)
@seed_option
@device_option
@backend_option
@threads_option
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document per line: each part, then the summary."
)
@quiet_option
def line(*, bundle: Path, as_json: bool, reporter: Reporter, **words: Any) -> None:
    """Inspect an endless web with a BUNDLE, strip by strip, at the line's speed.

    Prints a line per part as it is judged, and a summary. SIGTERM and Ctrl-C end it cleanly: what was captured is
    judged. SIGHUP takes a new bundle at the same path, if its golden samples pass.

    DI-Net's line, two cameras whose outer tiles are left out, 14 tiles of 512x512 per 0.1625 m:

    \b
    edgekit line cheapnet-s.edgekit --source synthetic:fabric --drop-left 1 --drop-right 1 --line-speed 20
    """  # noqa: D301 - click keeps a paragraph as it is after this character
    opened = Bundle.open(bundle)
    announce(opened.manifest.provenance.kind, reporter)
    least_px = find_least_px(opened.manifest, words["min_area"])
    plan = plan_line(opened.manifest.input, _read_request(words), least_px=least_px)

    def tell(answer: PartAnswer) -> None:
        try:
            if as_json:
                _print_line({"schema": SCHEMA, "kind": "part", **answer.to_dict()})
            else:
                click.echo(describe_answer(answer, plan.settings.mm_per_pixel))
        except BrokenPipeError:  # the line ends as on SIGTERM: records and images are kept to its end
            forget_reader()
            running.stop()

    running = Line(
        bundle,
        plan.strips,
        plan.settings,
        choice=_choose_detector(words),
        on_part=tell,
        on_late=tell,
        on_event=lambda event: reporter.note(f"line: {event}"),
    )
    with obey_signals(running) as interruption:
        try:
            running.run()
        finally:
            if running.has_begun:
                summary = running.summarise()
                stood_still_s = plan.strips.stood_still_s if isinstance(plan.strips, PacedStrips) else None
                if as_json:
                    document = {**summary.to_dict(), "source_stood_still_s": stood_still_s}
                    _print_line({"schema": SCHEMA, "kind": "summary", **document})
                else:
                    click.echo(describe_summary(summary, stood_still_s))
    if interruption.happened:
        raise KeyboardInterrupt


def _choose_detector(words: dict[str, Any]) -> DetectorChoice:
    threshold = words["threshold"]
    return DetectorChoice(
        device=words["device"],
        backend=words["backend"],
        threads=words["threads"],
        thresholds=None if threshold is None else {"threshold": threshold},
        min_area_px=words["min_area"],
    )


def _read_request(words: dict[str, Any]) -> LineRequest:
    return LineRequest(
        source=words["source"],
        line_speed_m_per_min=words["line_speed"],
        mm_per_pixel=words["mm_per_px"],
        part_length_mm=words["part_length"],
        drop_left=words["drop_left"],
        drop_right=words["drop_right"],
        policy=words["policy"],
        waiting=words["waiting"],
        deadline_ms=words["deadline"],
        stall_s=words["stall"],
        parts=words["parts"],
        metres=words["metres"],
        records=words["records"],
        pictures=words["save_rejected"],
        watch_bundle=words["watch_bundle"],
        made=MadeWeb(words["width"], words["strip_rows"], words["seed"]),
    )


def _print_line(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, allow_nan=False))
