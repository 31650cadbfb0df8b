"""Parts of a web are judged as if the whole web were known, and never accepted where it would reject them."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_runtime.bundle import ClassRule, VerdictRules
from edgekit_runtime.errors import ArtefactRefused, UsageProblem
from edgekit_runtime.regions import find_regions, prepare_regions
from edgekit_runtime.web.parts import PartJudge
from edgekit_runtime.web.regions import WebRegions

CLASSES = ("background", "hole", "stain", "end-out")
SCALE = 0.5


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    prepare_regions()


def make_judge(rules, part_rows=10):
    return PartJudge(rules, part_rows=part_rows, classes=CLASSES, mm_per_pixel=SCALE)


def judge_web(mask, cuts, rules, part_rows, skipped=()):
    """Return the results, and how many rows had been seen when each came; some bands are skipped."""
    web = WebRegions(mask.shape[1], connectivity=rules.connectivity)
    judge = make_judge(rules, part_rows)
    results, seen = [], []
    for number, band in enumerate(np.split(mask, cuts)):
        if number in skipped:
            results += judge.skip(web.skip(len(band)), web.seen)
        else:
            results += judge.add(web.add(band), web.open, web.seen)
        seen += [web.seen] * (len(results) - len(seen))
    results += judge.finish(web.finish())
    seen += [web.seen] * (len(results) - len(seen))
    return results, seen


def count_in(rows, y1, y2, labels, least):
    classes = [CLASSES.index(label) for label in labels]
    chosen = (rows[:, 1] < y2) & (rows[:, 3] > y1) & np.isin(rows[:, 5], classes) & (rows[:, 4] >= least)
    return np.count_nonzero(chosen)


def rejected_by_the_whole(rows, rules, y1, y2):
    """What the rules say of a part, written without regard for speed or for quotas."""
    others = [label for label in CLASSES[1:] if label not in rules.classes]
    judged = [([label], rule) for label, rule in rules.classes.items()] + [(others, rules.others)]
    for labels, rule in judged:
        window = 0 if rule.window_mm is None else int(np.ceil(rule.window_mm / SCALE))
        least = max(rule.min_area_px, (rule.min_area_mm2 or 0) / SCALE**2)
        if count_in(rows, min(y1, y2 - window), y2, labels, least) > rule.max_regions:
            return True
    return False


@st.composite
def rules(draw, most=0):
    def rule():
        return ClassRule(
            min_area_px=draw(st.sampled_from([0, 1, 2, 5, 30])),
            min_area_mm2=draw(st.sampled_from([None, 0.5, 3.0])),
            max_regions=draw(st.integers(0, most)),
            window_mm=draw(st.sampled_from([None, None, 3.0, 20.0])),
        )

    classes = {label: rule() for label in draw(st.sets(st.sampled_from(CLASSES[1:])))}
    return VerdictRules(connectivity=draw(st.sampled_from([4, 8])), classes=classes, others=rule())


@st.composite
def webs(draw):
    """Noise drawn out along and across, thin enough that parts without regions occur, and where it is cut."""
    shape = draw(st.integers(1, 90)), draw(st.integers(1, 30))
    density = draw(st.sampled_from([0.002, 0.01, 0.05, 0.3]))
    across, along = draw(st.sampled_from([(1, 1), (1, 9), (4, 3), (3, 1)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    noise = rng.integers(1, 3, shape, np.uint8, endpoint=True) * (rng.random(shape) < density)
    mask = np.repeat(np.repeat(noise, along, axis=0), across, axis=1)[: shape[0], : shape[1]]
    cuts = sorted(draw(st.lists(st.integers(0, shape[0]), max_size=20)))
    return np.ascontiguousarray(mask), cuts


PART_ROWS = st.sampled_from([1, 2, 7, 10, 33, 200])


def assert_parts_of(results, height, part_rows):
    starts = range(0, height, part_rows)
    assert [result.number for result in results] == list(range(1, len(starts) + 1))
    assert [result.y1 for result in results] == list(starts)
    assert [result.y2 for result in results] == [min(start + part_rows, height) for start in starts]


@settings(max_examples=200, deadline=None)
@given(web=webs(), rules=rules(), part_rows=PART_ROWS)
def test_where_no_region_is_allowed_verdicts_are_those_of_the_whole_web(web, rules, part_rows):
    mask, cuts = web
    results, _ = judge_web(mask, cuts, rules, part_rows)
    assert_parts_of(results, len(mask), part_rows)
    whole = find_regions(mask, connectivity=rules.connectivity)
    for part in results:
        expected = "reject" if rejected_by_the_whole(whole, rules, part.y1, part.y2) else "accept"
        assert part.verdict == expected, part


@settings(max_examples=200, deadline=None)
@given(web=webs(), rules=rules(most=3), part_rows=PART_ROWS)
def test_no_part_is_accepted_that_the_whole_web_rejects(web, rules, part_rows):
    mask, cuts = web
    whole = find_regions(mask, connectivity=rules.connectivity)
    for part in judge_web(mask, cuts, rules, part_rows)[0]:
        assert part.verdict == "reject" or not rejected_by_the_whole(whole, rules, part.y1, part.y2)
    at_once, _ = judge_web(mask, [], rules, part_rows)
    assert_parts_of(at_once, len(mask), part_rows)
    for part in at_once[: len(mask) // part_rows]:
        # In one band only regions of the last row can be open: what is above it is known as a whole.
        if not any(region.y2 == len(mask) for region in part.regions):
            assert (part.verdict == "reject") == rejected_by_the_whole(whole, rules, part.y1, part.y2)


@settings(max_examples=100, deadline=None)
@given(web=webs(), rules=rules(most=2), part_rows=PART_ROWS)
def test_a_part_waits_no_longer_than_the_least_area_has_pixels(web, rules, part_rows):
    mask, _ = web
    results, seen = judge_web(mask, range(1, len(mask)), rules, part_rows)
    every = [rules.others, *rules.classes.values()]
    least = int(max(max(rule.min_area_px, (rule.min_area_mm2 or 0) / SCALE**2) for rule in every))
    for part, when in zip(results, seen, strict=True):
        assert part.y2 <= when <= max(part.y2, part.y2 + least - 1)


@settings(max_examples=200, deadline=None)
@given(web=webs(), rules=rules(), part_rows=PART_ROWS, data=st.data())
def test_rows_that_were_not_inspected_reject_the_parts_that_they_touch(web, rules, part_rows, data):
    mask, cuts = web
    bands = np.split(np.arange(len(mask)), cuts)
    skipped = data.draw(st.sets(st.integers(0, len(bands) - 1)))
    unseen = np.concatenate([np.arange(0), *(bands[number] for number in skipped)])
    results, _ = judge_web(mask, cuts, rules, part_rows, skipped)
    assert_parts_of(results, len(mask), part_rows)
    inspected = mask.copy()
    inspected[unseen] = 0
    whole = find_regions(inspected, connectivity=rules.connectivity)
    # What meets rows that nobody looked at may be of any size.
    met = np.isin(whole[:, 3], unseen) | np.isin(whole[:, 1] - 1, unseen)
    whole[met, 4] = 1 << 40
    for part in results:
        touched = ((unseen >= part.y1) & (unseen < part.y2)).any()
        expected = touched or rejected_by_the_whole(whole, rules, part.y1, part.y2)
        assert part.verdict == ("reject" if expected else "accept")
        of_its_own = part.reason.replace("cut off by rows that were not inspected", "")
        assert ("not inspected" in of_its_own) == touched


@pytest.mark.parametrize(("skipped", "defect"), [(2, (19, 20)), (0, (10, 11))])
def test_a_region_that_rows_not_inspected_cut_off_counts_however_small(skipped, defect):
    """It may be the end of a defect that nobody saw the rest of; its own part was inspected as a whole."""
    rules = VerdictRules(others=ClassRule(min_area_px=5))
    results, _ = judge_web(column(30, *defect), [10, 20], rules, 10, skipped=[skipped])
    assert results[1].verdict == "reject"
    assert results[1].regions[0].area_px == 1
    seen, _ = judge_web(column(30, *defect), [10, 20], rules, 10)
    assert [part.verdict for part in seen] == ["accept"] * 3


def test_a_region_between_two_lengths_of_rows_not_inspected_counts_however_small():
    rules = VerdictRules(others=ClassRule(min_area_px=5))
    # Rows 10 to 12 and 14 to 15 are skipped; the region ends a part that begins above the first of them.
    results, _ = judge_web(column(40, 13, 14), [5, 13, 14], rules, 5, skipped=[1, 3])
    assert [len(part.regions) for part in results] == [0, 0, 1, 0, 0, 0, 0, 0]


def test_a_small_region_that_counts_says_why():
    rules = VerdictRules(others=ClassRule(min_area_px=5))
    results, _ = judge_web(column(20, 8, 10), [10], rules, 10, skipped=[1])
    assert results[0].reason.endswith(
        "hole 0.5 mm² at x 1 mm, y 4 mm, cut off by rows that were not inspected"
    )
    mask = column(20, 8, 10) | column(20, 1, 9, x=5)
    results, _ = judge_web(mask, [10], rules, 20, skipped=[1])
    assert "; 1 of them small, but cut off by rows that were not inspected; rows 10" in results[0].reason
    results, _ = judge_web(column(20, 8, 10) | column(20, 7, 10, x=5), [10], rules, 10, skipped=[1])
    assert results[0].reason.endswith("; all small, but cut off by rows that were not inspected")
    results, _ = judge_web(column(20, 2, 10), [10], rules, 10, skipped=[1])
    assert "cut off" not in results[0].reason


def test_no_rows_that_were_not_inspected_end_nothing():
    """What is open may still grow."""
    web, judge = WebRegions(8), make_judge(VerdictRules(others=ClassRule(min_area_px=5)))
    mask = column(20, 8, 20)
    assert judge.add(web.add(mask[:10]), web.open, web.seen) == ()
    assert judge.skip(web.skip(0), web.seen) == ()
    assert [part.verdict for part in judge.add(web.add(mask[10:]), web.open, web.seen)] == ["reject"] * 2


def column(height, y1, y2, x=2, value=1, width=8):
    mask = np.zeros((height, width), np.uint8)
    mask[y1:y2, x] = value
    return mask


def feed(mask, rules, step, part_rows=10):
    """Yield how many rows have come, and the numbers of the parts that they brought."""
    web, judge = WebRegions(mask.shape[1]), make_judge(rules, part_rows)
    for y in range(0, len(mask), step):
        results = judge.add(web.add(mask[y : y + step]), web.open, web.seen)
        yield web.seen, [(result.number, result.verdict) for result in results]


def test_an_open_region_that_is_large_enough_rejects_at_once():
    brought = dict(feed(column(40, 3, 40), VerdictRules(others=ClassRule(min_area_px=5)), step=10))
    assert brought == {10: [(1, "reject")], 20: [(2, "reject")], 30: [(3, "reject")], 40: [(4, "reject")]}


def test_one_that_is_too_small_delays_its_part_until_it_has_grown_or_ended():
    rules = VerdictRules(others=ClassRule(min_area_px=5))
    grown = {seen: parts for seen, parts in feed(column(20, 8, 20), rules, step=1) if parts}
    assert grown == {13: [(1, "reject")], 20: [(2, "reject")]}
    ended = {seen: parts for seen, parts in feed(column(20, 8, 11), rules, step=1) if parts}
    assert ended == {12: [(1, "accept")], 20: [(2, "accept")]}


def test_a_part_that_is_rejected_anyway_does_not_wait():
    mask = column(12, 8, 12) | column(12, 1, 7, x=6)
    rules = VerdictRules(others=ClassRule(min_area_px=5))
    assert dict(feed(mask, rules, step=1))[10] == [(1, "reject")]


def test_a_part_that_is_accepted_anyway_does_not_wait():
    rules = VerdictRules(others=ClassRule(min_area_px=5, max_regions=1))
    assert dict(feed(column(12, 8, 12), rules, step=1))[10] == [(1, "accept")]


def test_a_long_region_is_one_region_of_every_part_that_it_touches():
    mask = column(35, 8, 26)
    results, _ = judge_web(mask, [12, 20, 29], VerdictRules(), 10)
    assert [part.verdict for part in results] == ["reject", "reject", "reject", "accept"]
    # As far as it had been seen when the part was judged: after 12, 20 and 35 rows.
    assert [[(region.y1, region.y2) for region in part.regions] for part in results] == [
        [(8, 12)],
        [(8, 20)],
        [(8, 26)],
        [],
    ]
    assert results[2].reason == "hole 4.5 mm² at x 1 mm, y 4 mm"
    assert results[2].label == "hole"


def test_a_window_looks_back_from_the_end_of_the_part():
    mask = column(40, 2, 3) | column(40, 13, 14, x=4) | column(40, 24, 25, x=6)
    rules = VerdictRules(others=ClassRule(max_regions=1, window_mm=10.0))  # 20 rows
    results, _ = judge_web(mask, range(1, 40), rules, 10)
    assert [part.verdict for part in results] == ["accept", "reject", "reject", "accept"]
    assert results[1].reason == "2 regions, 1 is allowed per 10 mm"
    assert [len(part.regions) for part in results] == [1, 1, 1, 0]
    assert results[3].label is None


def test_a_window_shorter_than_a_part_leaves_none_of_its_regions_out():
    rules = VerdictRules(others=ClassRule(max_regions=1, window_mm=1.0))
    results, _ = judge_web(column(20, 2, 3) | column(20, 7, 8), [], rules, 10)
    assert [part.verdict for part in results] == ["reject", "accept"]


def test_reasons_name_rows_that_were_not_inspected_and_what_was_found():
    mask = column(45, 12, 13)
    results, _ = judge_web(mask, [14, 16, 18, 19, 30, 42, 43], VerdictRules(), 10, skipped=[1, 3, 4, 6])
    assert [part.reason for part in results] == [
        "no region",
        "hole 0.25 mm² at x 1 mm, y 6 mm; rows 14 to 15 and 2 more were not inspected",
        "rows 20 to 29 were not inspected",
        "no region",
        "row 42 was not inspected",
    ]


def test_parts_are_data():
    results, _ = judge_web(column(10, 2, 4), [], VerdictRules(), 10)
    document = json.loads(json.dumps(results[0].to_dict()))
    assert (document["number"], document["y1"], document["y2"]) == (1, 0, 10)
    assert document["regions"][0]["box_mm"] == [1.0, 1.0, 1.5, 2.0]


def test_what_is_kept_is_what_parts_to_come_can_touch_or_look_back_on():
    rules = VerdictRules(others=ClassRule(max_regions=4, window_mm=20.0))  # 40 rows
    web, judge = WebRegions(8), make_judge(rules)
    for number in range(2000):
        if number % 7 == 6:
            judge.skip(web.skip(5), web.seen)
        else:
            judge.add(web.add(column(5, 1, 2) | column(5, 3, 4)), web.open, web.seen)
        # 40 rows of window and a part that has begun hold at most 4 regions in 10 rows.
        assert len(judge._counted) <= (40 + 10) // 10 * 4
        assert len(judge._skipped) <= 1


def test_skipping_on_is_one_length_of_web():
    judge = make_judge(VerdictRules(), part_rows=10**6)
    web = WebRegions(4)
    for _ in range(100):
        judge.skip(web.skip(3), web.seen)
    assert judge._skipped == [(0, 300)]
    assert judge.finish(web.finish())[0].reason == "rows 0 to 299 were not inspected"


@pytest.mark.parametrize("begin", [0, 20, 30])
def test_a_judge_that_begins_later_judges_its_parts_as_one_that_was_there(begin):
    rules = VerdictRules(others=ClassRule(min_area_px=5))
    mask = column(60, 18, 34) | column(60, 47, 51, x=5)
    web = WebRegions(8)
    judge = PartJudge(rules, part_rows=10, classes=CLASSES, mm_per_pixel=SCALE, first_row=begin)
    results = []
    for band in np.split(mask, range(4, 60, 4)):
        closed = web.add(band)
        if web.seen > begin:
            results += judge.add(closed, web.open, web.seen)
    expected, _ = judge_web(mask, range(4, 60, 4), rules, 10)
    assert results == expected[begin // 10 :]


def test_a_class_without_a_name_is_refused():
    web, judge = WebRegions(2), make_judge(VerdictRules())
    with pytest.raises(ArtefactRefused, match="class 9; the bundle has 4"):
        judge.add(web.add(np.full((1, 2), 9, np.uint8)), web.open, web.seen)


def test_what_means_nothing_is_refused():
    with pytest.raises(UsageProblem, match="at least 1 row, got 0"):
        make_judge(VerdictRules(), part_rows=0)
    with pytest.raises(UsageProblem, match="window_mm = 5") as caught:
        PartJudge(VerdictRules(others=ClassRule(window_mm=5)), part_rows=3, classes=CLASSES)
    assert "mm-per-px" in caught.value.remedy
    with pytest.raises(UsageProblem, match="3 rows do not begin at row 10"):
        PartJudge(VerdictRules(), part_rows=3, classes=CLASSES, first_row=10)
    judge = make_judge(VerdictRules())
    none = np.empty((0, 6), np.int64)
    judge.add(none, none, 7)
    with pytest.raises(UsageProblem, match="6 rows have been seen, after 7"):
        judge.add(none, none, 6)
