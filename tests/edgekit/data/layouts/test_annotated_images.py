"""What COCO, LabelMe and YOLO share: drawing, strata, boxes, names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.data.layouts.annotated_images import AnnotatedImage, AnnotatedImages, Region
from edgekit.data.layouts.shapes import BoxShape, CircleShape, PolygonShape, RunLengthShape, Shape
from edgekit.data.views import label_images, merge_classes
from edgekit_runtime.errors import DatasetError, MaskError
from tests.edgekit.image_folders import save

SIZE = (10, 20)
KINDS = ("hole", "scratch", "stain")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return save(tmp_path / "a.png", np.full(SIZE, 90, np.uint8))


def open_images(*images: AnnotatedImage, boxes_as_masks: bool = False, kinds=KINDS) -> AnnotatedImages:
    return AnnotatedImages("set", kinds, images, boxes_as_masks=boxes_as_masks)


def annotate(path: Path, *regions: tuple[Shape, int], name: str = "a", size=None) -> AnnotatedImage:
    placed = tuple(Region(shape, value, f"a.json, [{n}]") for n, (shape, value) in enumerate(regions))
    return AnnotatedImage(name, path, placed, size)


def box(left: float, top: float, right: float, bottom: float) -> PolygonShape:
    return PolygonShape((np.array([(left, top), (right, top), (right, bottom), (left, bottom)]),))


def test_later_regions_lie_on_top(image: Path) -> None:
    mask = open_images(annotate(image, (box(0, 0, 6, 6), 1), (box(4, 4, 9, 9), 2))).load(0).known_mask
    assert (mask[3, 3], mask[5, 5], mask[8, 8], mask[9, 9]) == (1, 2, 2, 0)


def test_several_polygons_are_one_region(image: Path) -> None:
    both = PolygonShape((*box(0, 0, 4, 4).polygons, *box(2, 2, 8, 8).polygons))
    mask = open_images(annotate(image, (both, 3))).load(0).known_mask
    assert np.count_nonzero(mask == 3) == 16 + 36 - 4


def test_kinds_are_those_that_can_be_seen(image: Path) -> None:
    hidden = annotate(image, (box(0, 0, 3, 3), 2), (box(0, 0, 9, 9), 1), (box(10, 0, 12, 2), 3))
    assert open_images(hidden).load(0).kinds == ("hole", "stain")


def test_the_stratum_is_the_rarest_kind(image: Path) -> None:
    images = [
        annotate(image, (box(0, 0, 3, 3), 1), name="common"),
        annotate(image, (box(0, 0, 3, 3), 1), (box(5, 5, 7, 7), 2), name="both"),
        annotate(image, name="none"),
    ]
    items = open_images(*images).items
    assert [item.stratum for item in items] == ["defective/hole", "defective/scratch", "normal"]
    assert [item.defective for item in items] == [True, True, False]


def test_a_region_of_value_0_clears_and_is_no_defect(image: Path) -> None:
    cleared = annotate(image, (box(0, 0, 6, 6), 1), (box(2, 2, 4, 4), 0))
    dataset = open_images(cleared, annotate(image, (box(0, 0, 2, 2), 0), name="normal"))
    assert np.count_nonzero(dataset.load(0).known_mask) == 32
    assert dataset.items[1].defective is False


def test_normalised_shapes_follow_the_image(image: Path) -> None:
    polygon = PolygonShape(tuple(points / (20, 10) for points in box(2, 3, 7, 9).polygons), normalised=True)
    boxed = BoxShape((2 / 20, 3 / 10, 7 / 20, 9 / 10), normalised=True)
    masks = [
        open_images(annotate(image, (shape, 1)), boxes_as_masks=True).load(0).known_mask
        for shape in (box(2, 3, 7, 9), polygon, boxed, BoxShape((2, 3, 7, 9)))
    ]
    assert all(np.array_equal(mask, masks[0]) for mask in masks)
    assert np.count_nonzero(masks[0]) == 30


def test_boxes_are_no_masks_unless_that_is_asked_for(image: Path) -> None:
    images = (
        annotate(image, (box(0, 0, 2, 2), 1), (BoxShape((4, 4, 6, 6)), 2)),
        annotate(image, name="none"),
    )
    dataset = open_images(*images)
    assert dataset.classes == ()
    sample = dataset.load(0)
    assert (sample.mask, sample.kinds) == (None, ("hole", "scratch"))
    assert [item.label for item in label_images(dataset).items] == [1, 0]
    with pytest.raises(DatasetError, match="no pixel masks") as caught:
        merge_classes(dataset)
    assert "1 regions are boxes without an outline (a.json, [1])" in caught.value.remedy
    assert "--boxes-as-masks" in caught.value.remedy
    drawn = open_images(*images, boxes_as_masks=True)
    assert drawn.classes == ("background", *KINDS)
    assert np.count_nonzero(drawn.load(0).known_mask) == 8


def test_another_size_than_the_annotations_say_is_refused(image: Path) -> None:
    with pytest.raises(MaskError, match=r"a\.png is \(10, 20\), its annotations are for \(20, 10\)"):
        open_images(annotate(image, size=(20, 10))).load(0)


def test_run_lengths_of_another_size_are_refused_before_they_are_decoded(image: Path) -> None:
    huge = RunLengthShape((10**12,), 10**6, 10**6)
    with pytest.raises(MaskError, match=r"a\.json, \[0\]: run lengths are those of 1000000 × 1000000 pixels"):
        open_images(annotate(image, (huge, 1))).load(0)
    with pytest.raises(MaskError, match=r"a\.json, \[0\]: run lengths add up to 7"):
        open_images(annotate(image, (RunLengthShape((3, 4), *SIZE), 1))).load(0)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (box(0, 0, 2, 2), box(0, 0, 2, 2.125)),
        (BoxShape((0, 0, 2, 2)), BoxShape((0, 0, 2, 2), normalised=True)),
        (CircleShape((5, 5), 2), CircleShape((5, 5), 2.5)),
        (RunLengthShape((0, 2, 198), *SIZE), RunLengthShape((0, 3, 197), *SIZE)),
    ],
)
def test_the_digest_knows_the_shape_and_the_class(image: Path, first: Shape, second: Shape) -> None:
    digests = {
        open_images(annotate(image, region), boxes_as_masks=True).digest(0)
        for region in ((first, 1), (second, 1), (first, 2))
    }
    assert len(digests) == 3


def test_double_names_and_too_many_kinds_are_refused(image: Path) -> None:
    one = annotate(image)
    with pytest.raises(DatasetError, match="share the name a"):
        open_images(one, one)
    with pytest.raises(DatasetError, match="two classes called 'hole'"):
        open_images(one, kinds=("hole", "hole"))
    with pytest.raises(DatasetError, match="two classes called 'background'"):
        open_images(one, kinds=("background",))
    with pytest.raises(DatasetError, match="256 classes"):
        open_images(one, kinds=[f"kind{n}" for n in range(256)])
    with pytest.raises(DatasetError, match="no image"):
        open_images()
