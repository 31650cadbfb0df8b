"""The compiled labelling against NumPy's: any mask, any memory, any number of threads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_runtime.labelling import compiled_runs, numpy_runs
from edgekit_runtime.labelling.seams import make_empty_seam
from tests.runtime.masks import adversarial_masks

CAMERA = adversarial_masks(512)


def assert_same(mask, connectivity, least=0, expected_of=None):
    rows = compiled_runs.find_rows(mask, connectivity, least)
    expected = numpy_runs.find_rows(mask if expected_of is None else expected_of, connectivity, least)
    assert rows.dtype == expected.dtype
    assert rows.tolist() == expected.tolist()


WIDTHS = st.integers(1, 200)


@st.composite
def masks(draw, widths=WIDTHS):
    """Noise of any density and number of classes, its pixels drawn out to runs of any length."""
    shape = draw(st.integers(1, 40)), draw(widths)
    classes = draw(st.sampled_from([1, 2, 3, 255]))
    density = draw(st.sampled_from([0.01, 0.05, 0.3, 0.5, 0.8, 1.0]))
    length = draw(st.sampled_from([1, 2, 7, 60]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    noise = rng.integers(1, classes, shape, np.uint8, endpoint=True) * (rng.random(shape) < density)
    return np.ascontiguousarray(np.repeat(noise, length, axis=1)[:, : shape[1]])


OPTIONS = {"connectivity": st.sampled_from([4, 8]), "least": st.sampled_from([0, 1, 2, 5, 100])}


@settings(max_examples=400, deadline=None)
@given(mask=masks(), **OPTIONS)
def test_equals_numpy_on_random_masks(mask, connectivity, least):
    assert_same(mask, connectivity, least)


@settings(max_examples=200, deadline=None)
@given(mask=masks(widths=st.integers(63, 66) | st.integers(127, 131)), **OPTIONS)
def test_equals_numpy_where_rows_end_at_a_comparison(mask, connectivity, least):
    assert_same(mask, connectivity, least)


def assert_same_bands(bands, connectivity, top=0):
    """Same rows and same seams, each labelling with its own."""
    ours = expected = make_empty_seam()
    for band in bands:
        rows, ours = compiled_runs.continue_rows(band, connectivity, ours, top)
        expected_rows, expected = numpy_runs.continue_rows(band, connectivity, expected, top)
        assert rows.tolist() == expected_rows.tolist()
        for part, expected_part in zip(ours, expected, strict=True):
            assert part.dtype == expected_part.dtype
            assert part.tolist() == expected_part.tolist()
        top += len(band)


@settings(max_examples=200, deadline=None)
@given(
    mask=masks(),
    cuts=st.sets(st.integers(1, 39), max_size=6),
    connectivity=OPTIONS["connectivity"],
    top=st.sampled_from([0, 7, 2**40]),
)
def test_equals_numpy_band_by_band(mask, cuts, connectivity, top):
    assert_same_bands(np.split(mask, sorted(cut for cut in cuts if cut < len(mask))), connectivity, top)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("name", CAMERA)
def test_equals_numpy_on_adversarial_webs_as_wide_as_a_camera(name, connectivity):
    mask = CAMERA[name]
    assert_same_bands(np.split(mask, range(37, len(mask), 37)), connectivity)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("name", CAMERA)
def test_equals_numpy_on_adversarial_masks_at_the_size_of_a_camera(name, connectivity):
    assert_same(CAMERA[name], connectivity)


@settings(max_examples=60, deadline=None)
@given(
    mask=masks(),
    dtype=st.sampled_from([bool, np.int8, np.uint16, np.int32, ">i4", np.int64, np.uint64]),
    **OPTIONS,
)
def test_equals_numpy_for_any_type(mask, dtype, connectivity, least):
    typed = (mask & 127).astype(dtype)
    assert_same(typed, connectivity, least)


@pytest.mark.parametrize("dtype", [np.uint16, np.int64, np.uint64])
def test_classes_beyond_a_byte_are_not_cut_to_one(dtype):
    mask = np.array([[256, 256, 0, 257], [1, 0, 0, 1]], dtype)
    assert compiled_runs.find_rows(mask, 4, 0)[:, 5].tolist() == [256, 257, 1, 1]


@settings(max_examples=60, deadline=None)
@given(mask=masks(), **OPTIONS)
def test_bytes_that_are_seen_as_bool_are_one_class(mask, connectivity, least):
    assert_same(mask.view(bool), connectivity, least, expected_of=(mask != 0).astype(np.uint8))
    assert_same(mask.view(bool), connectivity, least)


@pytest.mark.parametrize("shape", [(0, 0), (0, 70), (70, 0)])
def test_a_mask_without_pixels_has_no_regions(shape):
    assert compiled_runs.find_rows(np.zeros(shape, np.uint8), 8, 0).shape == (0, 6)


@settings(max_examples=100, deadline=None)
@given(mask=masks(), start=st.integers(0, 70), surroundings=st.sampled_from([0, 1, 255]))
def test_a_mask_ends_where_it_ends(mask, start, surroundings):
    # What lies before and behind it is of no matter, wherever in memory it begins.
    buffer = np.full(start + mask.size + 70, surroundings, np.uint8)
    inside = buffer[start : start + mask.size].reshape(mask.shape)
    inside[:] = mask
    assert_same(inside, 8, expected_of=mask)


@settings(max_examples=60, deadline=None)
@given(mask=masks(), rows=st.integers(1, 3), columns=st.integers(1, 3))
def test_views_are_read_as_they_look(mask, rows, columns):
    wide = np.ones((mask.shape[0] * rows, mask.shape[1] * columns), np.uint8)
    wide[::rows, ::columns] = mask
    for view in (wide[::rows, ::columns], np.asfortranarray(mask), mask[::-1, ::-1][::-1, ::-1]):
        assert_same(view, 8, expected_of=mask)


BESIDE_FORBIDDEN_PAGES = """
import ctypes, mmap, sys
import numpy as np
from edgekit_runtime.labelling import compiled_runs
page = mmap.PAGESIZE
memory = mmap.mmap(-1, 3 * page)
whole = np.frombuffer(memory, np.uint8)
protect = ctypes.CDLL(None, use_errno=True).mprotect
for place in (0, 2 * page):
    assert protect(ctypes.c_void_p(whole.ctypes.data + place), ctypes.c_size_t(page), 0) == 0
middle = whole[page : 2 * page]
middle[:] = 1
for width in range(1, 200):
    for height in (1, 2, 3):
        for mask in (middle[: height * width], middle[page - height * width :]):
            rows = compiled_runs.find_rows(mask.reshape(height, width), 8, 0)
            assert rows.tolist() == [[0, 0, width, height, height * width, 1]]
print("read nothing else")
if "beyond" in sys.argv:
    print(whole[2 * page])
"""


def run_beside_forbidden_pages(*arguments):
    command = [sys.executable, "-c", BESIDE_FORBIDDEN_PAGES, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_no_byte_outside_of_the_mask_is_read():
    run = run_beside_forbidden_pages()
    assert (run.returncode, run.stdout) == (0, "read nothing else\n"), run.stderr


def test_a_byte_outside_of_the_mask_would_end_the_process():
    assert run_beside_forbidden_pages("beyond").returncode < 0


def nested_brackets(count):
    """Each begins in the first row, right of the one before, and passes under it to its left."""
    mask = np.zeros((2 * count, 4 * count), np.uint8)
    for number in range(count):
        right, low = 2 * count + 2 * number, 2 * number + 1
        left = 2 * (count - number) - 1
        mask[: low + 1, right] = 1
        mask[low, left : right + 1] = 1
    return mask


def test_regions_whose_first_runs_are_in_the_opposite_order():
    mask = nested_brackets(50)
    rows = compiled_runs.find_rows(mask, 4, 0)
    assert len(rows) == 50
    assert rows[:, 1].tolist() == [0] * 50
    assert rows[:, 0].tolist() == sorted(rows[:, 0].tolist())
    assert_same(mask, 4)
    assert_same(mask, 4, least=120)


def test_room_grows_and_is_kept_by_the_thread_up_to_a_limit(monkeypatch):
    fresh = compiled_runs._Room()
    monkeypatch.setattr(compiled_runs, "_room", fresh)
    monkeypatch.setattr(compiled_runs, "KEPT_RUNS", 4 * compiled_runs.FIRST_RUNS)
    board = CAMERA["checkerboard"]
    assert_same(board[:100], 8)
    kept = fresh.runs
    assert len(kept) == compiled_runs.FIRST_RUNS * 4
    assert_same(board, 8)
    assert_same(board, 4)
    assert fresh.runs is kept


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_room_is_never_written_beyond(monkeypatch, more):
    # A row of runs without gaps takes as many as it has pixels: one run more than fits must find new room.
    width = 40
    mask = np.tile(np.array([1, 2], np.uint8), (3, width // 2))
    memory = np.full((3 * width + more + 5, 4), 7, np.uint32)
    room = compiled_runs._Room()
    room.runs = memory[:-5]
    monkeypatch.setattr(compiled_runs, "_room", room)
    assert_same(mask, 4)
    assert (memory[-5:] == 7).all()
    assert (len(room.runs) > 3 * width + more) == (more < 0)


@pytest.mark.parametrize("room", [1, 20, 39, 40, 41, 80, 119, 120, 121, 159, 160, 161])
def test_room_for_a_band_counts_the_row_above_it(monkeypatch, room):
    band = np.tile(np.array([1, 2], np.uint8), (2, 20))
    _, above = compiled_runs.continue_rows(band, 4, make_empty_seam(), 0)
    memory = np.full((room + 5, 4), 7, np.uint32)
    fresh = compiled_runs._Room()
    fresh.runs = memory[:-5]
    monkeypatch.setattr(compiled_runs, "_room", fresh)
    rows, below = compiled_runs.continue_rows(band, 4, above, 2)
    assert (len(rows), below.rows[:, 4].tolist()) == (0, [4] * 40)
    assert (memory[-5:] == 7).all()
    # 40 runs above, 40 of the first row, and whatever the second one may have.
    assert (len(fresh.runs) > room) == (room < 120)


def test_threads_do_not_disturb_one_another():
    names = ["spiral", "noise 50", "checkerboard", "comb middle", "ones", "merging teeth"]
    work = [CAMERA[name][: 512 - 31 * place] for place, name in enumerate(names)] * 6
    expected = [numpy_runs.find_rows(mask, 8, 0).tolist() for mask in work[: len(names)]] * 6
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda mask: compiled_runs.find_rows(mask, 8, 0).tolist(), work))
    assert found == expected


def test_the_mask_stays_writable():
    mask = np.ones((2, 2), np.uint8)
    compiled_runs.find_rows(mask, 8, 0)
    assert mask.flags.writeable


def test_a_mask_that_is_read_only_is_labelled_by_the_compiled_kernel(monkeypatch):
    monkeypatch.setattr(numpy_runs, "find_rows", None)
    mask = np.ones((2, 70), np.uint8)
    mask.flags.writeable = False
    assert compiled_runs.find_rows(mask, 8, 0).tolist() == [[0, 0, 70, 2, 140, 1]]
