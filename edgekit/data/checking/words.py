"""A check in words, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from edgekit.data.checking.check import Check
from edgekit.data.checking.doubts import count_images, format_share
from edgekit.data.checking.findings import Finding
from edgekit.data.checking.summary import Kind, Sizes, Spread, Summary

WIDTH = 100
CHANNELS = {1: "grey", 3: "in colour"}
_MOST_STRATA = 12


def render_words(check: Check) -> str:
    """Return the report as lines of text."""
    survey, summary = check.survey, check.summary
    layout = f" ({survey.layout})" if survey.layout else ""
    lines = [f"{survey.name}{layout}: {count_images(summary.images)}", ""]
    lines += [f"  {name:11} {text}" for name, text in describe_set(summary).items()]
    if summary.kinds:
        lines += ["", *_render_kinds(summary.kinds)]
    lines += ["", *_render_findings(check.findings)]
    return "\n".join(lines)


def describe_set(summary: Summary) -> dict[str, str]:
    """Return the figures of the whole set, each with its name."""
    rows = {
        "images": _describe_counts(summary),
        "sizes": _describe_sizes(summary.sizes),
        "channels": ", ".join(
            f"{count:,} {CHANNELS.get(channels, f'of {channels} channels')}"
            for channels, count in summary.channels.items()
        )
        + (f", {summary.bits} bits each" if summary.channels else ""),
        "grey levels": _describe_levels(summary),
        "pixels": ", ".join(f"{format_share(share)} {name}" for name, share in summary.pixels.items()),
        "classes": _describe_mapping(summary.labels),
        "strata": _describe_mapping(summary.strata) if len(summary.strata) > 1 else "",
        "groups": _describe_groups(summary),
    }
    return {name: text for name, text in rows.items() if text}


def format_spread(spread: Spread | None) -> str:
    """Return "least / median / largest" in whole numbers; "" where there is nothing."""
    if spread is None:
        return ""
    return " / ".join(f"{value:,.0f}" for value in (spread.least, spread.median, spread.largest))


def _describe_counts(summary: Summary) -> str:
    parts = [f"{summary.defective:,} defective", f"{summary.normal:,} defect-free"]
    if summary.undecided:
        parts.append(f"{summary.undecided:,} of which nothing says")
    if summary.unreadable:
        parts.append(f"{summary.unreadable:,} that cannot be used")
    return ", ".join(parts)


def _describe_sizes(sizes: Sizes | None) -> str:
    if sizes is None:
        return ""
    (height, width), count = sizes.commonest[0]
    if sizes.distinct == 1:
        return f"{height}×{width} (height × width in pixels)"
    return (
        f"{sizes.distinct:,} different; height {format_spread(sizes.height_px)}, width "
        f"{format_spread(sizes.width_px)} px (least / median / largest); most often {height}×{width} ({count:,}); "
        f"{format_share(sizes.multiples_share)} are multiples of 16"
    )


def _describe_levels(summary: Summary) -> str:
    if summary.mean_level is None:
        return ""
    mean, spread = format_spread(summary.mean_level), format_spread(summary.std_level)
    return f"mean {mean}, spread within an image {spread} of {2**summary.bits - 1}"


def _describe_mapping(counts: Mapping[str, int]) -> str:
    entries = [f"{name} {count:,}" for name, count in counts.items()]
    more = [f"and {len(entries) - _MOST_STRATA} more"] if len(entries) > _MOST_STRATA else []
    return ", ".join(entries[:_MOST_STRATA] + more)


def _describe_groups(summary: Summary) -> str:
    if summary.largest_group is None:
        return ""
    name, size = summary.largest_group
    if size == 1:
        return "every image is a group of its own"
    return f"{summary.groups:,}; the largest, {name}, has {count_images(size)}"


def _render_kinds(kinds: tuple[Kind, ...]) -> Iterator[str]:
    width = max(len("kind"), *(len(kind.name) for kind in kinds))
    if not any(kind.masks for kind in kinds):
        yield f"  {'kind':{width}} {'images':>7}"
        yield from (f"  {kind.name:{width}} {kind.images:7,}" for kind in kinds)
        return
    yield f"  {'kind':{width}} {'images':>7} {'mean share':>11} {'regions':>8}  area px: least / median / largest"
    for kind in kinds:
        share = "" if kind.mean_share is None else f"{kind.mean_share:.4f}"
        line = f"  {kind.name:{width}} {kind.images:7,} {share:>11} {kind.regions:8,}  {format_spread(kind.area_px)}"
        yield line.rstrip()
    yield "  (mean share: of the image's pixels, over the images whose mask shows the kind)"


def _render_findings(findings: tuple[Finding, ...]) -> Iterator[str]:
    if not findings:
        yield "Nothing doubtful was found."
    for finding in findings:
        text = " ".join([finding.what, *_list_examples(finding), finding.advice])
        yield textwrap.fill(
            text,
            WIDTH,
            initial_indent=f"{finding.severity:8} ",
            subsequent_indent=" " * 9,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _list_examples(finding: Finding) -> list[str]:
    if not finding.examples or finding.severity == "error":
        return []  # an error names its image in the sentence
    more = ", …" if finding.count > len(finding.examples) else ""
    return [f"({', '.join(finding.examples)}{more})"]
