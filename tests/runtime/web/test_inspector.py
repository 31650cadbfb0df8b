"""A web inspected strip by strip is answered as if all of it had been looked at once."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_runtime.bundle import ClassRule, PixelFormat, VerdictRules, Zone
from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.regions import find_regions
from edgekit_runtime.testing import FakeBackend, fake_bundle
from edgekit_runtime.web.inspector import WebInspector

SIDE = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bundles")


def open_detector(folder, name, *, answers=None, **arguments):
    """Return a detector, not open yet, of a fake bundle with tiles of 8×8 unless told otherwise."""
    path = folder / f"{name}.edgekit"
    arguments = {"height": SIDE, "width": SIDE, **arguments}
    return Detector(
        path if path.exists() else fake_bundle(path, **arguments),
        backend=partial(FakeBackend, answers=answers) if answers else FakeBackend,
    )


@pytest.fixture(scope="module")
def plain(folder):
    with open_detector(folder, "plain") as detector:
        yield detector


def inspect(inspector, strips):
    """Return all parts and all defects."""
    parts, defects = [], []
    for strip in strips:
        parts += inspector.add(strip)
        defects += inspector.defects
    parts += inspector.finish()
    return parts, defects + list(inspector.defects)


def boxes(regions):
    return sorted((r.x1, r.y1, r.x2, r.y2, r.area_px) for r in regions)


def true_boxes(mask):
    return sorted(tuple(row[:5]) for row in find_regions(mask).tolist())


def paint(height, width, marks):
    web = np.zeros((height, width), np.uint8)
    for y, x, h, w in marks:
        web[y : y + h, x : x + w] = 255
    return web


webs = st.builds(
    paint,
    st.integers(1, 60),
    st.integers(1, 30),
    st.lists(
        st.tuples(st.integers(0, 59), st.integers(0, 29), st.integers(1, 20), st.integers(1, 20)), max_size=6
    ),
)


@pytest.fixture(scope="module")
def overlapping(folder):
    with open_detector(folder, "overlapping", fit="tile", overlap=4) as detector:
        yield detector


@pytest.mark.parametrize("kind", ["plain", "overlapping"])
@settings(deadline=None, max_examples=60)
@given(web=webs, part_rows=st.integers(1, 25), data=st.data())
def test_parts_and_defects_are_those_of_the_whole_web(plain, overlapping, kind, web, part_rows, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(web) - 1)), max_size=8)))
    strips = [strip for strip in np.split(web, cuts) if len(strip)]
    detector = {"plain": plain, "overlapping": overlapping}[kind]
    inspector = WebInspector(detector, web.shape[1], part_rows=part_rows)
    parts, defects = inspect(inspector, strips)
    assert boxes(defects) == true_boxes(web > 127)
    assert [(part.y1, part.y2) for part in parts] == [
        (y, min(y + part_rows, len(web))) for y in range(0, len(web), part_rows)
    ]
    rejected = [part.verdict == "reject" for part in parts]
    assert rejected == [bool((web[part.y1 : part.y2] > 127).any()) for part in parts]


def test_columns_that_are_left_out_are_not_looked_at(plain):
    web = paint(16, 32, [(3, 2, 2, 2), (3, 12, 2, 2), (3, 28, 2, 2)])
    inspector = WebInspector(plain, 32, part_rows=16, columns=[1, 2])
    parts, defects = inspect(inspector, [web])
    assert boxes(defects) == [(12, 3, 14, 5, 4)]
    assert (inspector.columns_used, inspector.tiles) == (2, 4)
    assert [part.verdict for part in parts] == ["reject"]


def test_rows_that_nobody_saw_reject_their_parts_and_are_counted_in_the_coordinates(plain):
    inspector = WebInspector(plain, 16, part_rows=10)
    blank = np.zeros((12, 16), np.uint8)
    parts = [*inspector.add(blank), *inspector.skip(11), *inspector.add(paint(12, 16, [(10, 3, 2, 2)]))]
    parts += inspector.finish()
    assert [(part.verdict, part.reason) for part in parts] == [
        ("accept", "no region"),
        ("reject", "rows 12 to 19 were not inspected"),
        ("reject", "rows 20 to 22 were not inspected"),
        ("reject", "defect 4 px at x 3 px, y 33 px"),
    ]


def test_a_defect_before_rows_that_nobody_saw_ends_there(plain):
    inspector = WebInspector(plain, 16, part_rows=10)
    parts = list(inspector.add(np.full((5, 16), 255, np.uint8)))
    parts += inspector.skip(3)
    assert boxes(inspector.defects) == [(0, 0, 16, 5, 80)]
    parts += inspector.add(np.full((5, 16), 255, np.uint8))
    parts += inspector.finish()
    assert boxes(inspector.defects) == [(0, 8, 16, 13, 80)]
    assert [part.verdict for part in parts] == ["reject", "reject"]


def test_no_rows_that_nobody_saw_change_nothing(plain):
    inspector = WebInspector(plain, 16, part_rows=10)
    assert inspector.add(np.zeros((5, 16), np.uint8)) == inspector.skip(0) == ()
    inspector.add(np.zeros((7, 16), np.uint8))
    assert inspector.tiles == 2  # of 8 rows: none was run for the first 5 alone


def test_it_says_what_it_looks_at_and_how_far_its_part_goes(plain):
    inspector = WebInspector(plain, 32, part_rows=10, columns=[1, 2])
    inspector.add(np.zeros((13, 32), np.uint8))
    assert (inspector.inspected_columns, inspector.rows_to_part_end) == ((8, 24), 7)
    inspector.skip(7)
    assert inspector.rows_to_part_end == 0


@pytest.mark.parametrize("go_on", ["add", "skip", "finish"])
def test_after_a_call_that_failed_nothing_is_answered(folder, go_on):
    failing = []

    def answer(inputs):
        if failing:
            raise MemoryError
        return {"mask": inputs["frame"] >= 128}

    with open_detector(folder, "failing", answers={"segment": answer}) as detector:
        inspector = WebInspector(detector, 16, part_rows=10)
        inspector.add(np.zeros((8, 16), np.uint8))
        failing.append(True)
        with pytest.raises(MemoryError):
            inspector.add(np.full((8, 16), 255, np.uint8))
        failing.clear()
        calls = {
            "add": lambda: inspector.add(np.zeros((8, 16), np.uint8)),
            "skip": lambda: inspector.skip(4),
            "finish": inspector.finish,
        }
        with pytest.raises(UsageProblem, match="Rows 8 to"):
            calls[go_on]()


def test_nothing_is_found_in_zones(folder):
    rules = VerdictRules(zones=(Zone(0, 6),))
    with open_detector(folder, "selvedge", rules=rules) as detector:
        parts, defects = inspect(
            WebInspector(detector, 16, part_rows=8), [paint(8, 16, [(2, 4, 2, 4), (5, 1, 1, 1)])]
        )
    assert boxes(defects) == [(6, 2, 8, 4, 4)]
    assert parts[0].verdict == "reject"


def test_zones_with_rows_are_refused_for_a_web(folder):
    rules = VerdictRules(zones=(Zone(0, 6, 1, 2),))
    with (
        open_detector(folder, "holder", rules=rules) as detector,
        pytest.raises(UsageProblem, match="endless web does not have"),
    ):
        WebInspector(detector, 16, part_rows=8)


def test_small_regions_do_not_count_but_reach_their_size_over_strips(folder):
    with open_detector(folder, "least", rules=VerdictRules(others=ClassRule(min_area_px=6))) as detector:
        small, large = paint(16, 16, [(7, 3, 2, 2)]), paint(16, 16, [(6, 3, 4, 2)])
        for web, verdict in ((small, "accept"), (large, "reject")):
            parts, _ = inspect(WebInspector(detector, 16, part_rows=16), np.split(web, [4, 8, 12]))
            assert [part.verdict for part in parts] == [verdict]


def test_deep_and_coloured_pixels_reach_the_graph(folder):
    deep = PixelFormat(bits=12, scale=4095.0)
    with open_detector(folder, "deep", pixels=deep) as detector:
        web = paint(8, 16, [(2, 4, 2, 4)]).astype(np.uint16) * 16
        _, defects = inspect(WebInspector(detector, 16, part_rows=8), [web])
        assert boxes(defects) == [(4, 2, 8, 4, 8)]
    with open_detector(folder, "colour", pixels=PixelFormat(channels="rgb")) as detector:
        web = np.repeat(paint(8, 16, [(2, 4, 2, 4)])[..., None], 3, axis=2)
        _, defects = inspect(WebInspector(detector, 16, part_rows=8), [web])
        assert boxes(defects) == [(4, 2, 8, 4, 8)]


class TestBundleThatClassifies:
    def test_a_tile_with_a_defect_is_a_defect_of_its_size(self, folder):
        with open_detector(folder, "cloth", task="classify", classes=("normal", "hole")) as detector:
            web = np.zeros((16, 20), np.uint8)
            web[8:, 8:16] = 255
            inspector = WebInspector(detector, 20, part_rows=8)
            parts, defects = inspect(inspector, np.split(web, [5, 11]))
        assert [(part.verdict, part.label) for part in parts] == [("accept", None), ("reject", "hole")]
        assert boxes(defects) == [(8, 8, 16, 16, 64)]

    def test_probabilities_that_are_no_numbers_reject(self, folder):
        answers = {"exit1": {"p1": [np.nan, np.nan]}}
        with open_detector(
            folder, "broken", task="classify", classes=("normal", "hole"), answers=answers
        ) as detector:
            parts, _ = inspect(WebInspector(detector, 8, part_rows=4), [np.zeros((8, 8), np.uint8)])
        assert [part.reason for part in parts] == [
            "rows 0 to 3 were not inspected",
            "rows 4 to 7 were not inspected",
        ]

    def test_there_are_no_masks(self, folder):
        with (
            open_detector(folder, "cloth", task="classify", classes=("normal", "hole")) as detector,
            pytest.raises(UsageProblem, match="gives no masks"),
        ):
            detector.find_masks(np.zeros((1, SIDE, SIDE), np.uint8))


class TestSwap:
    @settings(deadline=None, max_examples=30)
    @given(web=webs, part_rows=st.integers(1, 25), step=st.integers(1, 9))
    def test_swapping_to_an_equal_bundle_after_every_strip_changes_nothing(
        self, plain, folder, web, part_rows, step
    ):
        strips = np.split(web, range(step, len(web), step))
        expected = inspect(WebInspector(plain, web.shape[1], part_rows=part_rows), strips)
        inspector = WebInspector(plain, web.shape[1], part_rows=part_rows)
        with open_detector(folder, "plain") as other:
            parts, defects = [], []
            for number, strip in enumerate(strips):
                parts += inspector.add(strip)
                defects += inspector.defects
                parts += inspector.swap(plain if number % 2 else other)
            parts += inspector.finish()
        assert parts == expected[0]
        assert boxes(defects + list(inspector.defects)) == boxes(expected[1])

    @settings(deadline=None, max_examples=30)
    @given(web=webs, part_rows=st.integers(1, 25), step=st.integers(1, 9))
    def test_tiles_of_another_size_lose_no_row(self, plain, folder, web, part_rows, step):
        inspector = WebInspector(plain, web.shape[1], part_rows=part_rows)
        with open_detector(folder, "large", height=12, width=16) as other:
            parts, defects = [], []
            for number, strip in enumerate(np.split(web, range(step, len(web), step))):
                parts += inspector.add(strip)
                defects += inspector.defects
                parts += inspector.swap(plain if number % 2 else other)
                defects += inspector.defects
            parts += inspector.finish()
        assert boxes(defects + list(inspector.defects)) == true_boxes(web > 127)
        rejected = [part.verdict == "reject" for part in parts]
        assert rejected == [bool((web[part.y1 : part.y2] > 127).any()) for part in parts]
        assert [part.number for part in parts] == list(range(1, len(parts) + 1))

    def test_other_rules_hold_from_the_next_part_on(self, plain, folder):
        inspector = WebInspector(plain, 16, part_rows=10)
        spots = paint(40, 16, [(2, 3, 1, 1), (15, 3, 1, 1), (25, 3, 1, 1), (35, 3, 2, 2)])
        parts = list(inspector.add(spots[:12]))
        with open_detector(folder, "larger", rules=VerdictRules(others=ClassRule(min_area_px=4))) as other:
            parts += inspector.swap(other)
            parts += inspector.add(spots[12:])
            parts += inspector.finish()
        assert [part.verdict for part in parts] == ["reject", "reject", "accept", "reject"]
        assert [part.y1 for part in parts] == [0, 10, 20, 30]

    def test_rows_not_inspected_cut_regions_of_parts_that_wait_for_their_old_rules(self, folder):
        least = {"old": VerdictRules(others=ClassRule(min_area_px=50)), "new": VerdictRules()}
        web = paint(16, 16, [(6, 3, 10, 1)])
        with (
            open_detector(folder, "wait-old", rules=least["old"]) as old,
            open_detector(folder, "wait-new", rules=least["new"]) as new,
        ):
            inspector = WebInspector(old, 16, part_rows=8)
            assert inspector.add(web[:8]) == inspector.swap(new) == ()
            parts = [*inspector.add(web[8:]), *inspector.skip(3), *inspector.finish()]
        assert [(part.number, part.verdict) for part in parts] == [
            (1, "reject"),
            (2, "reject"),
            (3, "reject"),
        ]

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_rows_not_inspected_above_the_first_part_of_other_rules_are_known_to_them(self, folder, when):
        rules = VerdictRules(others=ClassRule(min_area_px=50))
        web = paint(16, 16, [(6, 3, 7, 1)])  # begins where the rows that nobody saw end, and is small
        with (
            open_detector(folder, "gap-old") as old,
            open_detector(folder, "gap-new", rules=rules) as new,
        ):
            inspector = WebInspector(old, 16, part_rows=8)
            parts = list(inspector.add(web[:4]))
            steps = [partial(inspector.skip, 2), partial(inspector.swap, new)]
            for step in steps if when == "before" else reversed(steps):
                parts += step()
            parts += [*inspector.add(web[6:]), *inspector.finish()]
        assert [(part.number, part.verdict) for part in parts] == [(1, "reject"), (2, "reject")]

    @pytest.mark.parametrize(
        ("name", "arguments", "what"),
        [
            ("classes", {"classes": ("background", "stain")}, "classes"),
            ("scale", {"mm_per_pixel": 0.5}, "mm per pixel"),
            ("pixels", {"pixels": PixelFormat(bits=12, scale=4095.0)}, "pixels"),
            ("task", {"task": "classify", "classes": ("background", "defect")}, "task"),
            ("diagonal", {"rules": VerdictRules(connectivity=4)}, "connectivity"),
        ],
    )
    def test_a_bundle_that_means_something_else_is_refused(self, plain, folder, name, arguments, what):
        inspector = WebInspector(plain, 16, part_rows=8)
        with open_detector(folder, f"other-{name}", **arguments) as other:
            with pytest.raises(UsageProblem, match=f"other {what}"):
                inspector.swap(other)
            assert inspector.detector is plain

    def test_other_tiles_are_refused_where_columns_are_left_out(self, plain, folder):
        inspector = WebInspector(plain, 32, part_rows=8, columns=[1, 2])
        with (
            open_detector(folder, "large", height=12, width=16) as other,
            pytest.raises(UsageProblem, match="12x16"),
        ):
            inspector.swap(other)


def test_tiles_of_another_size_are_no_tiles(plain):
    with pytest.raises(FrameError, match="8, 8"):
        plain.find_masks(np.zeros((1, 8, 9), np.uint8))
