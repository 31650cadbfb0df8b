"""Copies are found however they were made, and pictures that only resemble each other are not."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data.splitting.duplicates import (
    LARGEST_FAMILY,
    Duplicate,
    find_near_duplicates,
    link_duplicates,
    merge_names,
    turn_back,
)
from edgekit.data.splitting.perceptual_hash import ORIENTATIONS
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit.media.images import read_image
from tests.edgekit.data.splitting.pictures import (
    Picture,
    PicturesInMemory,
    draw_part,
    draw_picture,
    encode_jpeg,
    turn,
)


def draw_several(count: int) -> list[Picture]:
    return [Picture(f"picture-{n:02}", draw_picture(n)) for n in range(count)]


def list_pairs(pictures: list[Picture]) -> list[tuple[str, str]]:
    dataset = PicturesInMemory(pictures)
    return [
        (dataset.items[pair.first].name, dataset.items[pair.second].name)
        for pair in find_near_duplicates(dataset)
    ]


@given(seed=st.integers(100, 10**6), way=st.integers(0, 7), quality=st.integers(60, 95))
@settings(max_examples=30, deadline=None)
def test_a_turned_and_re_encoded_copy_is_found_with_its_orientation(
    seed: int, way: int, quality: int
) -> None:
    image = draw_picture(seed, (120, 150))
    copy = Picture("zz-copy", encode_jpeg(turn(image, way), quality))
    dataset = PicturesInMemory([*draw_several(4), Picture("original", image), copy])
    (pair,) = find_near_duplicates(dataset)
    assert (pair.first, pair.second, pair.orientation, pair.exact) == (4, 5, ORIENTATIONS[way], False)
    assert pair.correlation > 0.85


def test_different_pictures_are_not_paired() -> None:
    assert find_near_duplicates(PicturesInMemory(draw_several(40))) == ()


def test_an_empty_dataset_has_no_copies() -> None:
    assert find_near_duplicates(PicturesInMemory([])) == ()


def test_of_several_equal_images_each_is_paired_with_the_first() -> None:
    image = draw_picture(3)
    copies = [Picture(name, image) for name in ("c", "a", "b")]
    assert list_pairs([*draw_several(2), *copies]) == [("c", "a"), ("a", "b")]


def test_equal_black_images_are_exact_copies_and_flat_ones_of_other_levels_are_not() -> None:
    flat = [Picture(str(level), np.full((30, 30), level, np.uint8)) for level in (0, 90, 91)]
    assert list_pairs([*flat, Picture("black", np.zeros((30, 30), np.uint8))]) == [("0", "black")]


def test_the_pairs_do_not_depend_on_the_order_of_items() -> None:
    pictures = draw_several(5)
    pictures += [Picture(f"copy-{n}", encode_jpeg(turn(p.image, n), 80)) for n, p in enumerate(pictures[:4])]
    expected = {frozenset(pair) for pair in list_pairs(pictures)}
    assert len(expected) == 4
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(pictures))
        assert {frozenset(pair) for pair in list_pairs([pictures[n] for n in order])} == expected


def test_parts_in_a_fixture_are_not_copies_of_each_other() -> None:
    parts = [Picture(f"part-{n:02}", draw_part(n)) for n in range(30)]
    copy = Picture("copy", encode_jpeg(turn(draw_part(7), 1), 80))
    assert list_pairs([*parts, copy]) == [("part-07", "copy")]


def test_a_small_set_of_parts_in_a_fixture_is_not_one_group() -> None:
    assert list_pairs([Picture(f"part-{n}", draw_part(n)) for n in range(LARGEST_FAMILY)]) == []


def test_one_picture_in_eight_orientations_is_one_family() -> None:
    image = draw_picture(105, (120, 150))
    family = [Picture(f"family-{n}", encode_jpeg(turn(image, n), 60)) for n in range(8)]
    linked = link_duplicates(PicturesInMemory([*draw_several(20), *family]))
    assert {item.group for item in linked.items[20:]} == {"family-0"}
    assert len({item.group for item in linked.items}) == 21


def test_a_group_with_many_images_does_not_make_a_crowd() -> None:
    burst = [Picture(f"b{n:02}", encode_jpeg(draw_picture(6), 40 + 4 * n), "burst") for n in range(12)]
    stray = Picture("stray", encode_jpeg(turn(draw_picture(6), 2), 50))
    linked = link_duplicates(PicturesInMemory([*draw_several(6), *burst, stray]))
    assert linked.items[-1].group == linked.items[6].group == "burst"


def test_linking_keeps_names_digests_and_fingerprint() -> None:
    pictures = [*draw_several(6), Picture("copy", turn(draw_picture(2), 3))]
    dataset = PicturesInMemory(pictures)
    linked = link_duplicates(dataset)
    assert linked.fingerprint() == dataset.fingerprint()
    assert [item.name for item in linked.items] == [item.name for item in dataset.items]
    assert linked.items[6].group == linked.items[2].group == "copy"
    assert linked.load(6).image is pictures[6].image
    assert link_duplicates(linked) is linked


def test_a_dataset_without_copies_is_returned_as_it_is() -> None:
    dataset = PicturesInMemory(draw_several(6))
    assert link_duplicates(dataset) is dataset
    together = PicturesInMemory([Picture("a", draw_picture(1), "g"), Picture("b", draw_picture(1), "g")])
    assert link_duplicates(together) is together


def test_generated_images_are_not_even_read() -> None:
    class Generated(PicturesInMemory):
        may_hold_duplicates = False

    dataset = Generated([Picture("a", draw_picture(1)), Picture("b", draw_picture(1))])
    assert link_duplicates(dataset) is dataset
    assert dataset.reads == 0
    assert not SyntheticDagm((6,)).may_hold_duplicates


def test_a_merged_group_has_one_stratum_the_rarest_of_its_images() -> None:
    image = draw_picture(9)
    pictures = [
        Picture("a", image, "tile", "hole"),
        Picture("b", draw_picture(10), "tile", "hole"),
        Picture("c", turn(image, 2), "other", "crack"),
    ]
    linked = link_duplicates(PicturesInMemory([*draw_several(3), *pictures]))
    assert {(item.group, item.stratum) for item in linked.items[3:]} == {("other", "crack")}


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=10))
def test_merged_names_are_those_that_links_reach(links: list[tuple[str, str]]) -> None:
    merged = merge_names("abcdefgh", links)
    for start in "abcdefgh":
        reached, before = {start}, set()
        while reached != before:
            before = set(reached)
            reached |= {name for link in links if reached & set(link) for name in link}
        assert merged[start] == min(reached)


@pytest.mark.parametrize("way", range(8))
def test_turning_back_undoes_an_orientation(way: int) -> None:
    image = draw_picture(4)
    pair = Duplicate(2, 5, 3, 0.9, ORIENTATIONS[way], False)
    back = turn_back(pair)
    assert (back.first, back.second, back.distance) == (5, 2, 3)
    assert np.array_equal(turn(turn(image, way), ORIENTATIONS.index(back.orientation)), image)


def read_folder(paths: list[Path], groups: dict[str, str] | None = None) -> PicturesInMemory:
    names = ["/".join(path.parts[-3:]) for path in paths]
    return PicturesInMemory(
        [
            Picture(name, read_image(path), groups[name] if groups else name)
            for name, path in zip(names, paths, strict=True)
        ]
    )


class TestRealImages:
    """What the thresholds rest on; the table in `duplicates` has all of it."""

    def test_rotated_copies_of_real_steel_are_found(self, real_data: Path) -> None:
        paths = sorted((real_data / "neu-seg" / "NEU_Seg" / "images" / "training").glob("*.jpg"))[::8]
        pictures = read_folder(paths).pictures
        copies = [
            Picture(f"copy of {p.name}", encode_jpeg(np.rot90(p.image, 1 + n % 3), 75), p.name)
            for n, p in enumerate(pictures)
        ]
        originals = PicturesInMemory([*pictures, *copies])
        linked = {
            (pair.first, pair.second - len(pictures), pair.orientation)
            for pair in find_near_duplicates(originals)
        }
        assert linked == {(n, n, ORIENTATIONS[1 + n % 3]) for n in range(len(pictures))}

    def test_the_one_picture_that_neu_seg_holds_twice_is_found(self, real_data: Path) -> None:
        folder = real_data / "neu-seg" / "NEU_Seg" / "images" / "test"
        with (real_data / "neu-seg" / "groups.csv").open() as stream:
            rows = [row for row in csv.DictReader(stream) if row["source_a"] == "patches_101"]
        paths = [folder / Path(row["image"]).name for row in rows]
        assert len(paths) == 2
        others = [path for path in sorted(folder.glob("0003*.jpg")) if path not in paths]
        (pair,) = find_near_duplicates(read_folder([*paths, *others]))
        assert (pair.first, pair.second, pair.exact) == (0, 1, True)

    @pytest.mark.slow
    def test_plain_steel_does_not_chain_together(self, real_data: Path) -> None:
        paths = sorted((real_data / "neu-det" / "NEU-DET" / "IMAGES").glob("*.jpg"))
        dataset = read_folder(paths)
        (pair,) = find_near_duplicates(dataset)
        names = dataset.items[pair.first].name, dataset.items[pair.second].name
        assert [name.split("/")[-1] for name in names] == ["scratches_232.jpg", "scratches_247.jpg"]
        # Looked at: one scratch, turned by a quarter.
        assert pair.orientation == ORIENTATIONS[3]

    @pytest.mark.slow
    def test_links_across_magnetic_tiles_are_few_and_stay_within_three_tiles(self, real_data: Path) -> None:
        with (real_data / "magnetic-tile" / "groups.csv").open() as stream:
            groups = {row["image"]: row["tile_group"] for row in csv.DictReader(stream)}
        dataset = read_folder([real_data / "magnetic-tile" / name for name in sorted(groups)], groups)
        linked = link_duplicates(dataset)
        merged = {item.group: other.group for item, other in zip(dataset.items, linked.items, strict=True)}
        # Looked at: each is one tile that was photographed in two or three series.
        families = {
            frozenset(name for name in merged if merged[name] == family)
            for family, count in Counter(merged.values()).items()
            if count > 1
        }
        expected = ({"66", "67", "69"}, {"76", "77"}, {"205", "206"}, {"40", "42"}, {"19", "22"})
        assert families == {frozenset(family) for family in expected}

    def test_dagm_textures_are_not_copies(self, real_data: Path) -> None:
        paths = sorted((real_data / "dagm2007").glob("Class*/Train/*.PNG"))
        assert find_near_duplicates(read_folder(paths)) == ()
