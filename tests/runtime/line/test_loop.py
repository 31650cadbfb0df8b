"""A line: what is captured is answered once, in order, in time or as late, whatever goes wrong."""

import dataclasses
import itertools
import json
import threading
import time

import numpy as np
import pytest

from edgekit_runtime.bundle import VerdictRules, Zone
from edgekit_runtime.errors import DatasetError, FrameError, IoFault, UsageProblem
from edgekit_runtime.line import DetectorChoice, LineSettings, Strip, run_line
from edgekit_runtime.line.session import choose_columns
from edgekit_runtime.testing import FakeBackend
from tests.runtime.line.lines import (
    STRIP,
    WIDTH,
    Ticking,
    endless,
    lies_gapless,
    make_bundle,
    make_line,
    make_strip,
    read,
    settings,
)


class TestAnswers:
    def test_every_part_is_answered_in_order_with_defects_over_the_seam_once(self, bundle, tmp_path):
        strips = [make_strip(), make_strip((7, 3)), make_strip((0, 3), (1, 3)), make_strip()]
        line, told = make_line(bundle, strips, settings(records=tmp_path))
        summary = line.run()
        assert told.verdicts == ["accept", "reject", "reject", "accept"]
        assert lies_gapless(told.in_time)
        assert (summary.parts, summary.rejected, summary.strips, summary.rows) == (4, 2, 4, 32)
        assert (summary.metres, summary.lost_rows, summary.late) == (0.016, 0, 0)
        records = read(tmp_path)
        assert [record["kind"] for record in records].count("part") == 4
        defects = [record for record in records if record["kind"] == "defect"]
        assert [(defect["x1"], defect["y1"], defect["y2"], defect["area_px"]) for defect in defects] == [
            (3, 15, 18, 3)
        ]
        assert records[-1]["kind"] == "summary"
        assert {record["schema"] for record in records} == {"edgekit.line/1"}

    def test_strips_may_have_any_height(self, bundle):
        web = np.concatenate([make_strip((5, 5)), make_strip(), make_strip((2, 2))])
        for cuts in ([1, 2, 3], [7, 9], [23]):
            line, told = make_line(bundle, np.split(web, cuts))
            line.run()
            assert told.verdicts == ["reject", "accept", "reject"]

    def test_outer_columns_of_tiles_are_left_out(self, bundle):
        strips = [np.concatenate([make_strip((1, 1)), make_strip(), make_strip((1, 5))], axis=1)]
        line, told = make_line(bundle, strips, settings(drop_left=1, drop_right=2))
        summary = line.run()
        assert told.verdicts == ["accept"]
        assert summary.tiles == 2 * 3

    def test_places_areas_and_boxes_have_one_scale(self, tmp_path):
        bundle = make_bundle(tmp_path, "without-a-scale")
        line, told = make_line(bundle, [make_strip((2, 2), (2, 3))], settings(mm_per_pixel=0.5))
        assert line.run().metres == 0.004
        assert [region.area_mm2 for region in told.in_time[0].part.regions] == [0.5]

    def test_a_scale_that_is_not_the_bundles_is_refused(self, bundle):
        line, _ = make_line(bundle, [make_strip()], settings(mm_per_pixel=0.3))
        with pytest.raises(UsageProblem, match=r"0\.5 mm per pixel, and 0\.3 are asked for"):
            line.run()

    def test_it_runs_once(self, bundle):
        line, _ = make_line(bundle, [make_strip()])
        line.run()
        with pytest.raises(UsageProblem, match="it runs once"):
            line.run()

    def test_there_is_nothing_to_summarise_before(self, bundle):
        with pytest.raises(UsageProblem, match="has not begun"):
            make_line(bundle, [])[0].summarise()

    def test_columns_that_are_not_there_cannot_be_left_out(self, bundle):
        line, _ = make_line(bundle, [make_strip()], settings(width=WIDTH, drop_left=2))
        with pytest.raises(UsageProblem, match="tile columns 0 to 1"):
            line.run()

    def test_an_error_of_a_callback_ends_the_line(self, bundle, tmp_path):
        line, _ = make_line(bundle, endless(), settings(records=tmp_path), on_part=lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            line.run()
        # It may have reached the gate: it is recorded.
        assert [record["kind"] for record in read(tmp_path)] == ["bundle", "part", "summary"]

    def test_an_error_of_the_last_callback_costs_no_record(self, bundle, tmp_path):
        line, _ = make_line(bundle, [None], settings(records=tmp_path), on_event=lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            line.run()
        assert read(tmp_path)[-1]["kind"] == "summary"

    def test_an_answer_says_which_columns_were_inspected(self, bundle, tmp_path):
        strips = [np.zeros((STRIP, 20), np.uint8)]
        line, told = make_line(bundle, strips, settings(drop_left=1, drop_right=2, records=tmp_path))
        line.run()
        assert [answer.columns for answer in told.in_time] == [(4, 12)]
        assert [record["columns"] for record in read(tmp_path) if record["kind"] == "part"] == [[4, 12]]

    def test_zones_that_no_web_has_are_refused_before_the_line_begins(self, tmp_path):
        rules = VerdictRules(zones=(Zone(0, 2, 1, 2),))
        line, _ = make_line(make_bundle(tmp_path, rules=rules), [make_strip()])
        with pytest.raises(UsageProblem, match="endless web does not have"):
            line.run()
        assert not line.has_begun


class TestDeadline:
    def test_a_late_answer_is_never_passed_on_as_fresh(self, bundle, tmp_path):
        ages_s = [0.1, 0.7, 0.2, 5.0]
        strips = [Strip(make_strip(), number, 100.0 - age) for number, age in enumerate(ages_s)]
        line, told = make_line(
            bundle, strips, settings(deadline_s=0.5, records=tmp_path), clock=lambda: 100.0
        )
        summary = line.run()
        assert [answer.part.number for answer in told.in_time] == [1, 3]
        assert [answer.part.number for answer in told.late] == [2, 4]
        assert not any(answer.late for answer in told.in_time)
        assert all(answer.late for answer in told.late)
        assert [round(answer.latency_ms) for answer in told.late] == [700, 5000]
        assert summary.late == 2
        assert summary.latency_max_ms == pytest.approx(5000)
        recorded = [record["late"] for record in read(tmp_path) if record["kind"] == "part"]
        assert recorded == [False, True, False, True]

    def test_an_answer_from_before_its_capture_is_late(self, bundle):
        """The clock went back."""
        line, told = make_line(
            bundle,
            [Strip(make_strip(), captured_s=100.0)],
            settings(deadline_s=0.5),
            clock=lambda: 50.0 if told.events else 100.0,
            start_thread=start_after_an_event(lambda: told.events.append("back")),
        )
        line.run()
        assert (told.in_time, [answer.part.number for answer in told.late]) == ([], [1])

    def test_rows_that_gave_way_are_as_old_as_they_are(self, bundle):
        strips = [Strip(make_strip(), number, captured_s) for number, captured_s in ((0, 1.0), (3, 99.9))]
        line, told = make_line(bundle, strips, settings(deadline_s=0.5, width=WIDTH), clock=lambda: 100.0)
        summary = line.run()
        assert [answer.part.number for answer in told.late] == [1, 2, 3]
        assert [answer.part.number for answer in told.in_time] == [4]
        assert summary.deadline_ms == 500

    def test_without_a_deadline_nothing_is_late(self, bundle):
        line, told = make_line(bundle, [Strip(make_strip(), captured_s=-1e6)])
        line.run()
        assert (len(told.in_time), told.late) == (1, [])


def start_after_an_event(tell):
    """Return how to run a thread's function to its end at once, and say so."""

    def start(run):
        run()
        tell()
        return threading.Thread()

    return start


class TestTooFast:
    def hold(self):
        """Return a source of six strips that is through before the second one is inspected, and what holds it."""
        through, armed = threading.Event(), threading.Event()

        def answer(inputs):
            if armed.is_set():
                through.wait()
            return {"mask": inputs["frame"] >= 128}

        def source():
            armed.set()
            for _ in range(6):
                yield make_strip()
            through.set()

        return source(), {"segment": answer}

    def test_the_newest_wins_and_what_gave_way_is_rejected(self, bundle):
        source, answers = self.hold()
        line, told = make_line(
            bundle, source, settings(policy="newest-wins", waiting=1, width=WIDTH), answers=answers
        )
        summary = line.run()
        assert summary.dropped >= 4
        assert summary.lost_rows == STRIP * summary.dropped
        assert summary.strips + summary.dropped == 6
        assert told.verdicts.count("reject") == summary.dropped
        assert all(
            "were not inspected" in answer.part.reason
            for answer in told.in_time
            if answer.part.verdict == "reject"
        )
        assert lies_gapless(told.in_time)
        assert told.in_time[-1].part.y2 == 6 * STRIP
        assert told.verdicts[-1] == "accept"

    def test_queue_all_inspects_all_and_counts_what_found_no_room(self, bundle):
        released = threading.Event()

        def answer(inputs):
            if armed.is_set():
                released.wait()
            return {"mask": inputs["frame"] >= 128}

        armed = threading.Event()

        def source():
            armed.set()
            yield from [make_strip()] * 6

        line, told = make_line(
            bundle, source(), settings(waiting=2, width=WIDTH), answers={"segment": answer}
        )
        # The source cannot be through: it is waiting for room when the first strip is let go.
        threading.Thread(target=lambda: (wait_for_overrun(line), released.set())).start()
        summary = line.run()
        assert summary.overruns >= 1
        assert (told.verdicts, summary.lost_rows) == (["accept"] * 6, 0)


def wait_for_overrun(line):
    while not (line.has_begun and line.summarise().overruns):
        time.sleep(1e-3)


class TestBadInput:
    def test_strips_that_cannot_be_used_reject_their_parts_and_the_line_goes_on(self, bundle):
        strips = [make_strip(), np.zeros((STRIP, 5), np.uint8), make_strip().astype(float), make_strip()]
        line, told = make_line(bundle, strips)
        summary = line.run()
        assert told.verdicts == ["accept", "reject", "reject", "accept"]
        assert (summary.refused, summary.lost_rows) == (2, 2 * STRIP)
        assert "a strip must be (rows, 8)" in told.events[0]

    def test_before_the_width_is_known_rows_are_lost_too(self, bundle):
        line, told = make_line(bundle, [None, make_strip()], settings(strip_rows=STRIP))
        summary = line.run()
        assert told.verdicts == ["reject", "accept"]
        assert summary.lost_rows == STRIP

    def test_too_many_end_the_line_and_what_came_before_is_judged(self, bundle, tmp_path):
        strips = itertools.chain([make_strip((3, 3))], endless(np.zeros((STRIP, 5), np.uint8)))
        line, told = make_line(bundle, strips, settings(most_refused=3, records=tmp_path))
        with pytest.raises(FrameError, match="3 strips in a row"):
            line.run()
        assert told.verdicts == ["reject", "reject", "reject"]
        assert line.summarise().refused == 3
        assert read(tmp_path)[-1]["kind"] == "summary"

    def test_repeated_and_missing_numbers(self, bundle):
        numbers = [1, 2, 2, 1, 5]
        line, told = make_line(bundle, [Strip(make_strip(), number) for number in numbers])
        summary = line.run()
        assert told.verdicts == ["accept", "accept", "reject", "reject", "accept"]
        assert (summary.repeated, summary.missing, summary.lost_rows) == (2, 2, 2 * STRIP)

    def test_a_counter_of_16_bits_that_wraps_costs_the_part_at_its_seam(self, bundle):
        numbers = [65534, 65535, 0, 1, 2, 3]
        line, told = make_line(bundle, [Strip(make_strip(), number) for number in numbers])
        summary = line.run()
        assert told.verdicts == ["accept", "accept", "reject", "accept", "accept", "accept"]
        assert (summary.restarts, summary.lost_rows) == (1, STRIP)

    @pytest.mark.parametrize("most_refused", [2, 10])
    @pytest.mark.parametrize("strip_rows", [None, STRIP, STRIP // 2])
    def test_a_line_without_a_strip_that_could_be_used_rejects_all_and_says_so(
        self, bundle, tmp_path, most_refused, strip_rows
    ):
        told_s = settings(strip_rows=strip_rows, most_refused=most_refused, records=tmp_path, drop_left=1)
        line, told = make_line(bundle, [make_strip().astype(float)] * 2, told_s)
        with pytest.raises(FrameError, match=r"could (not )?be used") as raised:
            line.run()
        assert "must be uint8; got float64." in raised.value.message
        assert not raised.value.message.endswith("..")
        assert set(told.verdicts) == {"reject"}
        assert all("were not inspected" in answer.part.reason for answer in told.in_time)
        assert lies_gapless(told.in_time)
        assert told.in_time[-1].part.y2 == line.summarise().rows == line.summarise().lost_rows
        assert read(tmp_path)[-1]["parts"] == len(told.in_time)

    def test_a_source_that_raises_ends_the_line_after_what_it_gave(self, bundle):
        def source():
            yield make_strip()
            yield make_strip((0, 0))
            raise ConnectionResetError("the camera is gone")

        line, told = make_line(bundle, source())
        with pytest.raises(IoFault, match="ConnectionResetError: the camera is gone") as raised:
            line.run()
        assert isinstance(raised.value.__cause__, ConnectionResetError)
        assert told.verdicts == ["accept", "reject"]

    def test_an_error_that_says_what_to_do_is_kept(self, bundle):
        def source():
            raise DatasetError("no images", remedy="take some")
            yield

        with pytest.raises(DatasetError, match="no images"):
            make_line(bundle, source())[0].run()

    def test_what_is_no_source_is_one_that_fails(self, bundle):
        with pytest.raises(IoFault, match="not iterable"):
            make_line(bundle, 5)[0].run()

    def test_a_stalled_source_ends_the_line_where_that_is_asked(self, bundle):
        released = threading.Event()

        def source():
            yield make_strip((1, 1))
            released.wait()

        line, told = make_line(bundle, source(), settings(stall_s=20.0, stop_on_stall=True), clock=Ticking())
        with pytest.raises(IoFault, match="nothing for 20 s"):
            line.run()
        released.set()
        assert told.verdicts == ["reject"]

    def test_a_stalled_source_is_waited_for_otherwise(self, bundle):
        released = threading.Event()

        def source():
            yield make_strip()
            released.wait()
            yield make_strip()

        line, told = make_line(
            bundle, source(), settings(stall_s=20.0), clock=Ticking(), on_event=lambda _: released.set()
        )
        summary = line.run()
        assert (summary.stalls, told.verdicts) == (1, ["accept"] * 2)

    def test_an_empty_source_is_a_line_without_parts(self, bundle):
        line, told = make_line(bundle, [])
        summary = line.run()
        assert (summary.parts, summary.latency_p50_ms, told.in_time) == (0, None, [])

    def test_a_camera_may_write_over_the_strip_it_gave(self, bundle):
        def source():
            memory = make_strip((2, 2))
            yield memory
            memory[:] = 0
            yield memory

        line, told = make_line(bundle, source())
        line.run()
        assert told.verdicts == ["reject", "accept"]


def test_a_failing_backend_ends_the_line(bundle, tmp_path):
    armed = threading.Event()

    def answer(inputs):
        if armed.is_set():
            raise MemoryError("no memory on the device")
        return {}

    def source():
        armed.set()
        yield from [make_strip()] * 3

    line, _ = make_line(
        bundle, source(), settings(records=tmp_path, width=WIDTH), answers={"segment": answer}
    )
    with pytest.raises(MemoryError):
        line.run()
    assert read(tmp_path)[-1]["kind"] == "summary"


def test_the_papers_line_has_14_tiles_per_strip(tmp_path):
    from edgekit_runtime.bundle import Bundle

    contract = Bundle.open(make_bundle(tmp_path, "cloth", height=512, width=512)).manifest.input
    assert choose_columns(contract, 2 * 4096, 1, 1) == tuple(range(1, 15))
    assert choose_columns(contract, 2 * 4096, 0, 0) is None


def test_the_greatest_speed_is_that_of_the_paper(tmp_path):
    bundle = make_bundle(tmp_path, "cloth", height=8, width=8, mm_per_pixel=162.5 / 8)
    strips = [np.zeros((8, 128), np.uint8)] * 4
    line, _ = make_line(bundle, strips, settings(drop_left=1, drop_right=1), clock=Ticking())
    summary = line.run()
    assert summary.tiles_per_strip == 14
    paper = summary.tiles_per_s / 14 * 0.1625 * 60
    assert summary.greatest_speed_m_per_min == pytest.approx(paper)


def test_one_call_is_enough(bundle):
    told = []
    summary = run_line(
        bundle, [make_strip((1, 1))], on_part=told.append, choice=DetectorChoice(backend=FakeBackend)
    )
    assert summary.rejected == 1
    assert [answer.part.y2 for answer in told] == [4, 8]  # parts of the tiles' height


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"part_rows": 0}, "part_rows must be a whole number, 1 or more"),
        ({"part_rows": "512"}, "part_rows must be a whole number, 1 or more, got '512'"),
        ({"part_rows": 1 << 60}, "part_rows must be"),
        ({"waiting": 0}, "waiting must be a whole number, 1 or more"),
        ({"most_refused": None}, "most_refused must be a whole number"),
        ({"drop_left": -1}, "drop_left must be a whole number, 0 or more"),
        ({"drop_left": 1.5}, "drop_left must be a whole number, 0 or more, got 1.5"),
        ({"drop_right": True}, "drop_right must be a whole number"),
        ({"deadline_s": "1"}, "deadline_s must be a positive number, got '1'"),
        ({"records_sync_s": -1.0}, "records_sync_s must be a number, 0 or more"),
        ({"deadline_s": 0.0}, "deadline_s must be a positive number"),
        ({"mm_per_pixel": float("nan")}, "mm_per_pixel must be a positive number"),
        ({"stall_s": float("inf")}, "stall_s must be a positive number"),
        ({"policy": "oldest-wins"}, "queue-all or newest-wins"),
    ],
)
def test_settings_out_of_their_range_are_refused(arguments, words):
    with pytest.raises(UsageProblem, match=words):
        LineSettings(**arguments)


def test_of_the_newest_strips_one_waits():
    """What waits behind others is never fresh again once the line has fallen behind."""
    assert (LineSettings().room, LineSettings(policy="newest-wins").room) == (4, 1)
    assert LineSettings(policy="newest-wins", waiting=3).room == 3


def test_a_summary_is_json_whatever_happened(bundle):
    line, _ = make_line(bundle, [make_strip()])
    broken = dataclasses.replace(line.run(), latency_max_ms=float("inf"))
    assert json.loads(json.dumps(broken.to_dict(), allow_nan=False))["latency_max_ms"] is None
