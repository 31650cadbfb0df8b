"""What a source gives is compared with what the web is, and nothing that was captured is passed over in silence."""

import numpy as np
import pytest

from edgekit_runtime.bundle import InputContract, PixelFormat
from edgekit_runtime.errors import FrameError, IoFault
from edgekit_runtime.line.numbering import MOST_MISSING
from edgekit_runtime.line.strips import Strip, StripGate, UnusableStrip

WIDTH, TILE = 6, 4


def make_gate(*, pixels=None, width=None, announced_rows=None, most_refused=3):
    contract = InputContract("frame", pixels or PixelFormat(), TILE, TILE, 1, "refuse", 0, 0, None, None)
    return StripGate(contract, width, announced_rows, most_refused)


def strip(rows=5, width=WIDTH, dtype=np.uint8):
    return np.arange(rows * width, dtype=dtype).reshape(rows, width)


def test_rows_are_copied_because_a_camera_may_write_over_them():
    given = strip()
    arrival, fault = make_gate().admit(given, 7.0)
    expected = given.copy()
    given[:] = 0
    assert (arrival.rows == expected).all()
    assert (arrival.lost_rows, arrival.captured_s, fault) == (0, 7.0, None)


def test_a_colour_strip_with_one_column_is_copied_too():
    given = np.full((1, 1, 3), 9, np.uint8)
    arrival, _ = make_gate().admit(given, 0.0)
    given[:] = 0
    assert arrival.rows.tolist() == [[9]]


def test_a_strip_may_bring_its_own_time():
    assert make_gate().admit(Strip(strip(), captured_s=3.5), 7.0)[0].captured_s == 3.5


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (strip(width=7), r"must be \(rows, 6\)"),
        (strip().astype(np.float32), "must be uint8; got float32"),
        (strip()[0], r"is \(6,\)"),
        (strip(rows=0), r"is \(0, 6\)"),
        (np.zeros((5, WIDTH, 4), np.uint8), r"is \(5, 6, 4\)"),
        (None, "is a NoneType"),
        ("strip", "is a str"),
        (IoFault("the file is torn"), "could not be read: the file is torn"),
        (UnusableStrip("7.png is 9 px wide", rows=5), "^7.png is 9 px wide$"),
        (Strip(strip(), captured_s=float("nan")), "captured at nan s"),
        (Strip(strip(), captured_s=1e9), "the line's clock"),
    ],
)
def test_what_cannot_be_used_becomes_rows_that_were_not_inspected(item, words):
    gate = make_gate()
    gate.admit(strip(), 0.0)
    arrival, fault = gate.admit(item, 1.0)
    assert arrival.rows is None
    assert arrival.lost_rows == 5
    assert gate.counts.refused == 1
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(fault)


def test_values_beyond_the_depth_are_refused():
    gate = make_gate(pixels=PixelFormat(bits=12, scale=4095.0))
    arrival, fault = gate.admit(np.full((5, WIDTH), 4096, np.uint16), 0.0)
    assert arrival.rows is None
    assert "go from 0 to 4095" in fault


def test_colours_become_grey_by_the_bundles_formula():
    gate = make_gate(pixels=PixelFormat(grey="bt601"))
    colours = np.zeros((2, WIDTH, 3), np.uint8)
    colours[..., 0] = 200
    arrival, _ = gate.admit(colours, 0.0)
    assert (arrival.rows == 60).all()


def test_the_height_of_what_is_no_array_is_the_announced_one():
    assert make_gate(announced_rows=9).admit(None, 0.0)[0].lost_rows == 9


def test_the_height_of_what_is_no_array_is_a_tiles_where_nothing_is_known():
    assert make_gate().admit(None, 0.0)[0].lost_rows == TILE


def test_too_many_strips_in_a_row_that_cannot_be_used_end_the_line():
    gate = make_gate(width=WIDTH)
    for _ in range(3):
        gate.admit(strip(width=7), 0.0)
        gate.admit(strip(width=7), 0.0)
        gate.admit(strip(), 0.0)
    gate.admit(strip(width=7), 0.0)
    gate.admit(strip(width=7), 0.0)
    with pytest.raises(FrameError, match="3 strips in a row"):
        gate.admit(strip(width=7), 0.0)


class TestNumbers:
    def test_a_strip_that_came_already_is_left_out(self):
        gate = make_gate()
        gate.admit(Strip(strip(), 4), 0.0)
        for number in (4, 3):
            arrival, fault = gate.admit(Strip(strip(), number), 0.0)
            assert arrival is None
            assert f"strip {number} came after strip 4" in fault
        assert gate.admit(Strip(strip(), 5), 0.0)[0].lost_rows == 0
        assert gate.counts.repeated == 2

    def test_strips_that_are_passed_over_are_rows_that_were_not_inspected(self):
        gate = make_gate()
        gate.admit(Strip(strip(), 4), 0.0)
        arrival, fault = gate.admit(Strip(strip(rows=2), 7), 0.0)
        assert arrival.lost_rows == 2 * 5
        assert len(arrival.rows) == 2
        assert gate.counts.missing == 2
        assert "2 strips are missing" in fault

    def test_a_strip_that_cannot_be_used_counts_in_the_numbers(self):
        gate = make_gate()
        gate.admit(Strip(strip(), 4), 0.0)
        assert gate.admit(Strip(strip(width=7), 6), 0.0)[0].lost_rows == 10
        assert gate.admit(Strip(strip(), 7), 0.0)[0].lost_rows == 0

    @pytest.mark.parametrize(
        ("last", "count"),
        [(65535, [0, 1, 2]), (900, [0, 1, 2]), (3, [0, 1, 2]), (3, [0, 2, 3]), (7, [90_000, 90_001, 90_002])],
    )
    def test_a_camera_that_counts_anew_is_followed_and_the_seam_was_not_inspected(self, last, count):
        gate = make_gate()
        gate.admit(Strip(strip(rows=5), last), 0.0)
        heard = [gate.admit(Strip(strip(rows=2), number), 0.0) for number in count]
        arrivals = [arrival for arrival, _ in heard if arrival is not None]
        passed_over = count[-1] - count[0] + 1 - len(count)
        assert sum(arrival.lost_rows for arrival in arrivals) == 2 + 5 * passed_over
        assert [arrival.rows is not None for arrival in arrivals][-2:] == [True, True]
        assert gate.counts.restarts == 1
        faults = [fault for _, fault in heard if fault is not None and "counts anew" in fault]
        assert faults == [f"strip {count[1]} came after strip {last}: the camera counts anew"]

    def test_a_strip_that_stays_the_same_ends_the_line(self):
        """Or the line would leave out all that comes, in silence."""
        gate = make_gate(most_refused=3)
        for _ in range(3):
            gate.admit(Strip(strip(), 900), 0.0)
        with pytest.raises(FrameError, match="strip 900 came after strip 900") as raised:
            gate.admit(Strip(strip(), 900), 0.0)
        assert "numbers of its strips" in raised.value.remedy

    def test_strips_out_of_order_are_left_out_and_counted_once(self):
        gate = make_gate()
        lost = [gate.admit(Strip(strip(), number), 0.0)[0] for number in (1, 2, 5, 3, 4, 6)]
        assert [arrival and arrival.lost_rows for arrival in lost] == [0, 0, 10, None, None, 0]
        assert (gate.counts.repeated, gate.counts.restarts) == (2, 0)

    @pytest.mark.parametrize("number", [2.5, float("nan"), "3", True])
    def test_a_number_that_is_none_is_refused(self, number):
        with pytest.raises(FrameError, match=r"Strip\.number must be a whole number or None"):
            make_gate().admit(Strip(strip(), number), 0.0)

    def test_a_number_of_numpy_is_one(self):
        gate = make_gate()
        gate.admit(Strip(strip(), np.uint16(65535)), 0.0)
        gate.admit(Strip(strip(), np.uint16(0)), 0.0)
        assert gate.admit(Strip(strip(), np.uint16(1)), 0.0)[0].rows is not None

    def test_a_time_that_is_none_is_refused(self):
        with pytest.raises(FrameError, match=r"Strip\.captured_s must be a time"):
            make_gate().admit(Strip(strip(), captured_s="noon"), 0.0)

    def test_strips_that_are_missing_came_after_the_last_that_was_had(self):
        gate = make_gate()
        assert gate.admit(Strip(strip(), 4, 1.0), 9.0)[0].lost_since_s is None
        assert gate.admit(Strip(strip(), 6, 3.0), 9.0)[0].lost_since_s == 1.0
        assert gate.admit(Strip(strip(), 7, 4.0), 9.0)[0].lost_since_s is None
        assert gate.admit(Strip(strip(width=7), 9), 9.0)[0].lost_since_s == 4.0
        assert gate.admit(Strip(strip(), 11), 9.5)[0].lost_since_s == 9.0

    def test_a_number_that_no_line_can_have_reached_is_a_broken_one(self):
        gate = make_gate()
        gate.admit(Strip(strip(), 4), 0.0)
        arrival, _ = gate.admit(Strip(strip(), 5 + MOST_MISSING), 0.0)
        assert (arrival.rows, arrival.lost_rows) == (None, 5)
        assert gate.admit(Strip(strip(), 6), 0.0)[0].lost_rows == 5


def test_a_strip_shorter_than_announced_is_inspected_and_reported():
    gate = make_gate(announced_rows=8)
    arrival, fault = gate.admit(strip(), 0.0)
    assert len(arrival.rows) == 5
    assert gate.counts.short == 1
    assert fault == "a strip has 5 rows; 8 were announced"
