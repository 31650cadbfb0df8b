"""A check as one HTML page that stands alone, and its contact sheet as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from edgekit.data.checking.charts import draw_bar, draw_histogram
from edgekit.data.checking.check import Check
from edgekit.data.checking.doubts import count_images
from edgekit.data.checking.findings import Finding
from edgekit.data.checking.page_style import PAGE
from edgekit.data.checking.pictures import Picture, draw_suspicious, draw_typical
from edgekit.data.checking.summary import Kind, Summary
from edgekit.data.checking.words import describe_set, format_spread
from edgekit.data.contract import Dataset
from edgekit.media.contact_sheet import write_sheet
from edgekit.media.thumbnails import encode_data_uri
from edgekit.reporting import Reporter
from edgekit_runtime.errors import IoFault

PAGE_NAME, SHEET_NAME = "index.html", "sheet.png"


def write_check_page(out: Path, check: Check, dataset: Dataset, *, reporter: Reporter) -> Path:
    """Write index.html, which needs no other file, and sheet.png into a folder, and return the page's path.

    Args:
        out: The folder; made where it is missing. Files of these names are replaced.
        check: The check of the dataset.
        dataset: Where the images are loaded from.
        reporter: Where progress goes.

    Raises:
        UnusableInput: If an image can no longer be read.
        IoFault: If the folder cannot be written.
    """
    typical = draw_typical(check, dataset, reporter=reporter)
    suspicious = draw_suspicious(check, dataset, reporter=reporter)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IoFault(f"The folder {out} cannot be made: {error.strerror}.") from error
    if typical:
        write_sheet(out / SHEET_NAME, [(picture.pixels, _caption(picture)) for picture in typical])
    _write_text(out / PAGE_NAME, render_page(check, typical, suspicious))
    return out / PAGE_NAME


def render_page(check: Check, typical: Sequence[Picture], suspicious: Sequence[Picture]) -> str:
    """Return the page as HTML; every name in it is escaped."""
    survey, summary = check.survey, check.summary
    layout = f"Layout: {survey.layout}. " if survey.layout else ""
    return PAGE.format(
        name=escape(survey.name),
        lead=escape(f"{layout}{count_images(summary.images)}, {_count_findings(check.findings)}."),
        findings="\n".join(map(_render_finding, check.findings)) or "<p>Nothing doubtful was found.</p>",
        figures="\n".join(
            f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>'
            for name, text in describe_set(summary).items()
        ),
        balance=_render_balance(summary),
        kinds=_render_kinds(summary.kinds),
        typical=_render_pictures(
            "Some of the images",
            "Spread over the kinds; green outlines enclose what the masks mark.",
            typical,
        ),
        suspicious=_render_pictures(
            "Images to look at",
            "Named as examples by the findings above; the rule stands below each.",
            suspicious,
        ),
    )


def _count_findings(findings: Sequence[Finding]) -> str:
    counts = {"error": 0, "warning": 0, "note": 0}
    for finding in findings:
        counts[finding.severity] += 1
    return ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items())


def _render_finding(finding: Finding) -> str:
    names = ""
    if finding.examples and finding.severity != "error":
        more = ", …" if finding.count > len(finding.examples) else ""
        listed = ", ".join(f"<code>{escape(name)}</code>" for name in finding.examples)
        names = f'<p class="names">{listed}{more}</p>'
    return (
        f'<div class="finding {finding.severity}"><p><span class="severity">{finding.severity}</span> '
        f"<b>{escape(finding.what)}</b> {escape(finding.advice)}</p>{names}</div>"
    )


def _render_balance(summary: Summary) -> str:
    """Return bars of the images per class, or else per kind and of defect-free ones."""
    counts = dict(summary.labels) or {
        **{kind.name: kind.images for kind in summary.kinds},
        "defect-free": summary.normal,
        **({"undecided": summary.undecided} if summary.undecided else {}),
    }
    largest = max(counts.values(), default=0) or 1
    rows = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{count:,}</td>'
        f"<td>{draw_bar(count / largest, f'{name}: {count_images(count)}')}</td></tr>"
        for name, count in counts.items()
    )
    return (
        '<h2>Balance</h2>\n<table>\n<thead><tr><th scope="col">images of</th><th scope="col" class="number">images</th>'
        f'<th scope="col" class="wide"></th></tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>'
    )


def _render_kinds(kinds: Sequence[Kind]) -> str:
    if not any(kind.masks for kind in kinds):
        return ""
    largest = max((kind.area_px.largest for kind in kinds if kind.area_px), default=1.0)
    rows = "\n".join(_render_kind(kind, largest) for kind in kinds)
    return (
        '<h2>Kinds of defect</h2>\n<div class="table"><table>\n'
        '<thead><tr><th scope="col">kind</th><th scope="col" class="number">images</th>'
        '<th scope="col" class="number">mean share of the image</th><th scope="col" class="number">regions</th>'
        '<th scope="col" class="number">area in px: least / median / largest</th>'
        f'<th scope="col">areas, 1 to {largest:,.0f} px (logarithmic)</th></tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>\n"
        "<p><small>The mean share is over the images whose mask shows the kind.</small></p>"
    )


def _render_kind(kind: Kind, largest: float) -> str:
    share = "" if kind.mean_share is None else f"{kind.mean_share:.4f}"
    chart = ""
    if kind.areas_px:
        words = f"{kind.name}: {kind.regions:,} regions of {format_spread(kind.area_px)} px (least / median / largest)"
        chart = draw_histogram(kind.areas_px, largest, words)
    return (
        f'<tr><th scope="row">{escape(kind.name)}</th><td class="number">{kind.images:,}</td>'
        f'<td class="number">{share}</td><td class="number">{kind.regions:,}</td>'
        f'<td class="number">{format_spread(kind.area_px)}</td><td>{chart}</td></tr>'
    )


def _render_pictures(title: str, words: str, pictures: Sequence[Picture]) -> str:
    if not pictures:
        return ""
    figures = "\n".join(
        f'<figure><div><img src="{encode_data_uri(picture.pixels)}" width="{picture.pixels.shape[1]}" '
        f'height="{picture.pixels.shape[0]}" alt="{escape(picture.name)}" loading="lazy"></div>'
        f"<figcaption>{escape(picture.name)}<br><small>{escape(picture.caption)}</small></figcaption></figure>"
        for picture in pictures
    )
    return f'<h2>{title}</h2>\n<p>{words}</p>\n<div class="grid">\n{figures}\n</div>'


def _caption(picture: Picture) -> str:
    return f"{picture.name} {picture.caption}"


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        # A file name need not be text: what UTF-8 cannot say is spelled out.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise IoFault(f"{path} cannot be written: {error.strerror}.") from error
