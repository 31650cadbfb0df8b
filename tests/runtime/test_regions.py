"""What regions are, with both labellings: each test here runs with NumPy's and with the compiled one."""

import cc3d
import cv2
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgekit_runtime import regions
from edgekit_runtime.errors import MaskError, UsageProblem
from edgekit_runtime.labelling import numpy_runs
from edgekit_runtime.regions import find_regions, label_regions, name_regions, prepare_regions
from edgekit_runtime.results import Region
from tests.runtime.masks import adversarial_masks, flood_fill_regions, spiral

ADVERSARIAL = adversarial_masks(64)


@pytest.fixture(params=["numpy", "compiled"], scope="module", autouse=True)
def labelling(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            regions, "_labelling", regions._Labelling(numpy_runs.find_rows, numpy_runs.continue_rows)
        )
        if request.param == "compiled":
            assert prepare_regions()
        yield request.param


def by_opencv(mask, connectivity):
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    return ordered([[x, y, x + w, y + h, area, 1] for x, y, w, h, area in stats[1:].tolist()])


def by_scipy(mask, connectivity):
    structure = np.ones((3, 3)) if connectivity == 8 else None
    labels, count = scipy.ndimage.label(mask, structure)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:].tolist()
    boxes = scipy.ndimage.find_objects(labels)
    return ordered(
        [[x.start, y.start, x.stop, y.stop, area, 1] for (y, x), area in zip(boxes, areas, strict=True)]
    )


def by_cc3d(mask, connectivity):
    """Of several classes, as ours: the other two know one."""
    labels, count = cc3d.connected_components(mask, connectivity=connectivity, return_N=True)
    statistics = cc3d.statistics(labels)
    rows = []
    for label in range(1, count + 1):
        y, x = statistics["bounding_boxes"][label][:2]
        value = int(mask[y, x][labels[y, x] == label][0])
        rows.append([x.start, y.start, x.stop, y.stop, int(statistics["voxel_counts"][label]), value])
    return ordered(rows)


def ordered(rows):
    return sorted(rows, key=lambda row: (row[1], row[0], row[3], row[2], row[4], row[5]))


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_equals_other_labellings_on_adversarial_masks(name, connectivity):
    mask = ADVERSARIAL[name]
    rows = find_regions(mask, connectivity=connectivity).tolist()
    assert rows == by_opencv(mask, connectivity)
    assert rows == by_scipy(mask, connectivity)
    assert rows == by_cc3d(mask, connectivity)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("name", ["spiral", "noise 50", "merging teeth", "checkerboard"])
def test_equals_opencv_at_the_size_of_a_camera(name, connectivity):
    mask = adversarial_masks(512)[name]
    assert find_regions(mask, connectivity=connectivity).tolist() == by_opencv(mask, connectivity)


def test_the_spiral_is_one_region_and_so_is_its_gap():
    mask = spiral(64)
    assert mask.sum() > 1500
    for part in (mask, 1 - mask):
        assert len(find_regions(part, connectivity=4)) == 1


SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24)


@settings(max_examples=150, deadline=None)
@given(
    mask=hnp.arrays(np.uint8, SHAPES, elements=st.integers(0, 1)),
    connectivity=st.sampled_from([4, 8]),
)
def test_equals_opencv_and_scipy_on_random_masks(mask, connectivity):
    rows = find_regions(mask, connectivity=connectivity).tolist()
    assert rows == by_opencv(mask, connectivity)
    assert rows == by_scipy(mask, connectivity)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("seed", range(3))
def test_equals_cc3d_on_classes_side_by_side(seed, connectivity):
    rng = np.random.default_rng(seed)
    mask = np.repeat(rng.integers(0, 4, (120, 50), np.uint8), 3, axis=1)[:, : 150 - 7 * seed].copy()
    assert find_regions(mask, connectivity=connectivity).tolist() == by_cc3d(mask, connectivity)


@settings(max_examples=150, deadline=None)
@given(
    mask=hnp.arrays(np.uint8, SHAPES, elements=st.sampled_from([0, 0, 1, 2, 255])),
    connectivity=st.sampled_from([4, 8]),
    least=st.integers(0, 4),
)
def test_equals_a_flood_fill_on_masks_of_several_classes(mask, connectivity, least):
    expected = [row for row in flood_fill_regions(mask, connectivity) if row[4] >= least]
    assert find_regions(mask, connectivity=connectivity, min_area_px=least).tolist() == expected


@settings(max_examples=150, deadline=None)
@given(
    mask=hnp.arrays(np.uint8, SHAPES, elements=st.sampled_from([0, 0, 1, 2, 255])),
    connectivity=st.sampled_from([4, 8]),
    least=st.integers(0, 4),
)
def test_labels_name_the_pixels_of_each_row(mask, connectivity, least):
    rows, labels = label_regions(mask, connectivity=connectivity, min_area_px=least)
    assert rows.tolist() == find_regions(mask, connectivity=connectivity, min_area_px=least).tolist()
    assert (labels.dtype, labels.shape) == (np.int32, mask.shape)
    kept = np.zeros(mask.shape, bool)
    for number, row in enumerate(rows.tolist(), start=1):
        # Its pixels alone are one region, and that region is the row.
        own = np.where(labels == number, mask, 0)
        assert find_regions(own, connectivity=connectivity).tolist() == [row]
        kept |= own > 0
    assert np.array_equal(labels > 0, kept)
    assert least > 1 or np.array_equal(kept, mask > 0)


@settings(max_examples=50, deadline=None)
@given(mask=hnp.arrays(np.uint8, SHAPES, elements=st.integers(0, 2)))
def test_does_not_depend_on_memory_layout_or_type(mask):
    expected = find_regions(mask).tolist()
    wide = np.zeros((mask.shape[0] * 2, mask.shape[1] * 3), np.uint8)
    wide[::2, ::3] = mask
    for same in (np.asfortranarray(mask), wide[::2, ::3], mask.astype(np.int64), mask.astype(np.uint16)):
        assert find_regions(same).tolist() == expected


def test_touching_classes_stay_apart():
    rows = find_regions([[1, 1, 2], [1, 2, 2]])
    assert rows.tolist() == [[0, 0, 2, 2, 3, 1], [1, 0, 3, 2, 3, 2]]


def test_rows_are_ordered_by_y1_x1_y2_x2():
    mask = np.zeros((6, 9), np.uint8)
    mask[0, 6:9] = mask[0:3, 0] = mask[2, 4] = mask[5, 0:9] = 1
    rows = find_regions(mask)
    assert rows.dtype == np.int64
    assert rows.tolist() == [
        [0, 0, 1, 3, 3, 1],
        [6, 0, 9, 1, 3, 1],
        [4, 2, 5, 3, 1, 1],
        [0, 5, 9, 6, 9, 1],
    ]


def test_diagonal_pixels_touch_only_with_8_neighbours():
    mask = np.eye(4, dtype=bool)
    assert find_regions(mask).tolist() == [[0, 0, 4, 4, 4, 1]]
    assert len(find_regions(mask, connectivity=4)) == 4


def test_rows_of_pixels_do_not_wrap():
    mask = np.zeros((3, 4), np.uint8)
    mask[0, 3] = mask[1, 0] = 1
    assert len(find_regions(mask)) == 2
    mask[2, 3] = 1
    assert len(find_regions(mask)) == 3


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (5, 5)])
def test_nothing_gives_no_rows(shape):
    rows = find_regions(np.zeros(shape, np.uint8))
    assert rows.shape == (0, 6)
    assert rows.dtype == np.int64
    assert name_regions(rows, ("background",)) == ()


def test_leaves_out_what_is_smaller_than_asked():
    mask = np.zeros((4, 8), np.uint8)
    mask[0, :3] = mask[2, :2] = 1
    assert len(find_regions(mask, min_area_px=2)) == 2
    assert find_regions(mask, min_area_px=3).tolist() == [[0, 0, 3, 1, 3, 1]]
    assert len(find_regions(mask, min_area_px=4)) == 0
    assert len(find_regions(mask, min_area_px=10**30)) == 0


@pytest.mark.parametrize("tag", ["MT_Blowhole", "MT_Break", "MT_Crack", "MT_Fray", "MT_Uneven"])
def test_equals_opencv_on_real_masks(real_data, tag):
    files = sorted((real_data / "magnetic-tile" / tag / "Imgs").glob("*.png"))[:20]
    assert files
    for file in files:
        mask = (cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 127).astype(np.uint8)
        for connectivity in (4, 8):
            assert find_regions(mask, connectivity=connectivity).tolist() == by_opencv(mask, connectivity)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((2, 2, 1), np.uint8), r"\(2, 2, 1\)"),
        (np.zeros(4, np.uint8), r"\(4,\)"),
        (np.zeros((2, 2), np.float32), "float32"),
        (np.zeros((2, 2), complex), "complex"),
        (np.array([["a"]]), "<U1"),
        (np.array([[0, -1]]), "-1"),
    ],
)
def test_refuses_what_is_no_mask(mask, message):
    with pytest.raises(MaskError, match=message) as caught:
        find_regions(mask)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "options",
    [
        {"connectivity": 6},
        {"connectivity": "8"},
        {"connectivity": None},
        {"min_area_px": -1},
        {"min_area_px": 1.5},
        {"min_area_px": None},
    ],
)
def test_refuses_options_that_mean_nothing(options):
    with pytest.raises(UsageProblem, match=next(iter(options))):
        find_regions(np.zeros((2, 2), np.uint8), **options)


def test_names_the_classes():
    rows = find_regions([[0, 2], [0, 2], [1, 0]], connectivity=4)
    assert name_regions(rows, ("background", "hole", "stain")) == (
        Region(1, 0, 2, 2, 2, "stain"),
        Region(0, 2, 1, 3, 1, "hole"),
    )


def test_a_class_without_a_name_is_refused():
    with pytest.raises(MaskError, match="class 255") as caught:
        name_regions(find_regions([[255]]), ("background", "defect"))
    assert "255" in caught.value.remedy
