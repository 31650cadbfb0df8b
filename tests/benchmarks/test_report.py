"""The report: one page that stands alone, whatever the names in it are."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_benchmarks.axes import fit_scale, format_number, list_ticks, stretch_tail
from edgekit_benchmarks.charts import draw_latencies, draw_ratios, draw_scaling, draw_split
from edgekit_benchmarks.documents import BenchDocument, Run
from edgekit_benchmarks.pacing import measure_paced
from edgekit_benchmarks.ratios import Ratio
from edgekit_benchmarks.report import render_report
from edgekit_benchmarks.scaling import CostPoint, fit_costs
from tests.benchmarks.building import Clock, make_document, make_peer, make_subject

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Checks that tags are closed in order, and keeps what a page refers to and says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def make_paced():  # type: ignore[no-untyped-def]
    clock = Clock()

    def call(_number: int) -> None:
        clock.now += 0.002

    return measure_paced(call, rate_hz=25, seconds=1, clock=clock, sleep=clock.sleep)


def full_document() -> BenchDocument:
    subject = make_subject(paced=make_paced())
    document = make_document(
        Run(subject, (make_peer(), make_peer("torch", ok=False))), Run(make_subject(batch=2), ())
    )
    points = [
        CostPoint(f"p{size}", "net on fused", 1, size, 2, size / 1e5) for size in (65536, 262144, 1048576)
    ]
    return BenchDocument(document.schema, document.runs, fit_costs(points), document.environment)


def test_the_page_stands_alone() -> None:
    text = render_report(full_document())
    page = Page(text)
    assert page.links == []
    for outside in ("http://", "https://", "url(", "@import", "<script"):
        assert outside not in text


def test_the_page_says_what_was_measured() -> None:
    page = Page(render_report(full_document()))
    for words in (
        "fused",
        "openvino",
        "AMD EPYC",
        "not enough samples",
        "No figure",
        "25 Hz",
        "Cold start",
        "fit, ms",
    ):
        assert words in page.text
    assert page.seen.count("svg") >= 5
    assert "10,448,896 multiply-adds" in page.text


def test_names_cannot_become_markup() -> None:
    evil = '"><script>alert(1)</script>{0}'
    run = Run(make_subject(name=evil, backend=evil, bundle=evil, digest=evil), (make_peer(evil),))
    text = render_report(make_document(run, cpu=evil, command=evil, packages={evil: evil}))
    assert "script" not in Page(text).seen
    assert "<script" not in text


def test_what_was_not_measured_is_left_out() -> None:
    document = make_document(
        Run(make_subject(cold_start=None), ()), roofline=None, load_before=None, memory_bytes=None
    )
    text = Page(render_report(document)).text
    for words in (
        "Cold start",
        "same answer",
        "pace of a line,",
        "What this machine allows",
        "What size costs",
    ):
        assert words not in text


def test_other_work_is_said() -> None:
    assert "Other work was running" in render_report(make_document(load_before=1.0))
    assert "Other work was running" not in render_report(make_document(load_before=0.2))


def test_charts_say_their_figures_in_words() -> None:
    charts = [
        draw_latencies({"a": [1.0, 2.0, 30.0], "b": [5.0]}),
        draw_ratios({"openvino": Ratio(6.0, 5.5, 6.5, 20), "torch": Ratio(0.5, 0.4, 0.6, 20)}),
        draw_split({"stages": 3.0, "regions": 1.0}),
        draw_split({"stages": 0.0}),
        draw_scaling(fit_costs([CostPoint("p", "f", 1, size, 2, float(size)) for size in (1, 2, 4)])[0]),
    ]
    for chart in charts:
        Page(chart)
    assert "from 1 to 30 ms" in charts[0]
    assert "openvino 6.00 (5.50 to 6.50)" in charts[1]
    assert "stages 3 ms (75%)" in charts[2]
    for chart in charts:
        assert "nan" not in chart
        assert "inf" not in chart.replace("interval", "")


@given(st.lists(st.floats(1e-4, 1e5), min_size=1, max_size=30))
def test_scales_hold_their_values_and_have_ticks_within(values: list[float]) -> None:
    scale = fit_scale(values, 0.0, 100.0)
    assert all(0 <= scale.place(value) <= 100 for value in values)
    ticks = list_ticks(scale)
    assert 3 <= len(ticks) <= 12
    assert all(-1e-6 <= scale.place(tick) <= 100 + 1e-6 for tick in ticks)


def test_every_nine_of_a_percentile_has_the_same_width() -> None:
    places = [stretch_tail(share, 10**6) for share in (0.9, 0.99, 0.999)]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1])
    assert stretch_tail(0.0, 100) == 0
    assert stretch_tail(1.0, 100) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (1.5, "1.5"), (12.345, "12.3"), (1310.0, "1,310"), (200.0, "200")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert format_number(value) == text
