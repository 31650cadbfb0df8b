"""Subsets and digests."""

from __future__ import annotations

from pathlib import Path

from edgekit.data import Subset
from edgekit.data.contract import View, digest_parts
from edgekit.data.layouts.images_masks import ImageMaskFolder
from edgekit.data.synthetic_dagm import SyntheticDagm


def test_a_subset_keeps_order_and_names() -> None:
    source = SyntheticDagm((2,), size=(64, 64))
    subset = Subset(source, [7, 3], name="two")
    assert (subset.name, subset.classes, len(subset)) == ("two", source.classes, 2)
    assert subset.items == (source.items[7], source.items[3])
    assert subset.load(0).name == source.items[7].name
    assert subset.digest(1) == source.digest(3)
    assert Subset(source, [1]).name == source.name


def test_a_subset_has_another_fingerprint() -> None:
    source = SyntheticDagm((2,), size=(64, 64))
    everything = range(len(source))
    assert Subset(source, everything).fingerprint() == source.fingerprint()
    assert Subset(source, everything[1:]).fingerprint() != source.fingerprint()


def test_views_name_the_mask_files_of_their_source(image_folder: Path) -> None:
    source = ImageMaskFolder(image_folder)
    expected = [image_folder / "masks" / f"plate-0{number}.png" for number in (7, 3)]
    assert [Subset(source, [7, 3]).mask_file(index) for index in (0, 1)] == expected
    assert View(source).mask_file(7) == expected[0]
    assert SyntheticDagm((2,)).mask_file(0) is None


def test_lists_of_parts_do_not_collide() -> None:
    found = {digest_parts("a", "bc"), digest_parts("ab", "c"), digest_parts("abc"), digest_parts(1, 23)}
    assert len(found) == 4
