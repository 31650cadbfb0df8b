"""A line that is stopped: what was captured is answered, once, and nothing hangs."""

import contextlib
import itertools
import threading

import pytest

from edgekit_runtime.errors import IoFault
from edgekit_runtime.line import Strip
from tests.runtime.line.lines import (
    endless,
    lies_gapless,
    make_line,
    make_strip,
    read,
    settings,
)


class TestStop:
    def test_what_was_captured_is_judged(self, bundle, tmp_path):
        given = []

        def source():
            for number in itertools.count():
                given.append(number)
                yield Strip(make_strip(), number)

        told = []

        def count(answer):
            told.append(answer)
            if len(told) == 3:
                line.stop()

        line, _ = make_line(bundle, source(), settings(records=tmp_path), on_part=count)
        summary = line.run()
        assert lies_gapless(told)
        assert told[-1].part.y2 == summary.rows
        # One more may have been asked for, and refused, when the line was already closing.
        assert len(given) - summary.strips <= 1
        assert summary.lost_rows == 0
        assert read(tmp_path)[-1]["kind"] == "summary"

    def test_a_part_that_the_line_did_not_see_the_end_of_is_rejected(self, bundle):
        def source():
            yield make_strip()
            yield make_strip()
            line.stop()

        line, told = make_line(bundle, source(), settings(part_rows=12))
        summary = line.run()
        assert [
            (part.y2, part.verdict, part.reason) for part in (answer.part for answer in told.in_time)
        ] == [
            (12, "accept", "no region"),
            (24, "reject", "rows 16 to 23 were not inspected"),
        ]
        assert (summary.rows, summary.lost_rows) == (24, 8)

    @pytest.mark.parametrize(("error", "verdict"), [(None, "accept"), (OSError("gone"), "reject")])
    def test_the_last_part_is_short_where_the_web_ends_and_lost_where_the_camera_does(
        self, bundle, error, verdict
    ):
        def source():
            yield make_strip()
            if error is not None:
                raise error

        line, told = make_line(bundle, source(), settings(part_rows=12))
        with contextlib.suppress(IoFault):
            line.run()
        assert told.verdicts == [verdict]

    def test_a_camera_that_does_not_return_is_left_alone(self, bundle, monkeypatch):
        monkeypatch.setattr("edgekit_runtime.line.session.INTAKE_JOIN_S", 0.0)
        released = threading.Event()

        def source():
            yield make_strip((1, 1))
            line.stop()
            released.wait()

        line, told = make_line(bundle, source())
        line.run()
        released.set()
        assert told.verdicts == ["reject"]

    def test_the_source_is_closed(self, bundle):
        closed = threading.Event()

        def source():
            try:
                yield from endless()
            finally:
                closed.set()

        line, _ = make_line(bundle, source(), on_part=lambda _: line.stop())
        line.run()
        assert closed.wait(10.0)
