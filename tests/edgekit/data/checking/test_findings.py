"""Each rule finds what it is for, and is silent where nothing is doubtful."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.data.checking.findings import EXAMPLES, RULES
from edgekit_runtime.errors import FrameError, IoFault, MaskError
from tests.edgekit.data.checking.drawn import Drawn, DrawnDataset, check, find, make_mask, make_noise
from tests.edgekit.image_folders import save

MARK = make_mask((8, 8, 10, 10, 1))
FLAT = np.full((48, 64), 128, np.uint8)


def clean(count: int = 40) -> list[Drawn]:
    """Return images about which nothing is doubtful."""
    return [
        Drawn(f"plate-{n}", mask=MARK if n % 2 else make_mask(), defective=bool(n % 2)) for n in range(count)
    ]


def test_nothing_is_found_where_nothing_is_doubtful() -> None:
    assert check(DrawnDataset(clean())).findings == ()


def test_images_that_cannot_be_used_are_errors_with_file_and_reason_and_the_check_goes_on() -> None:
    broken = [
        Drawn("x", error=FrameError("x.png is empty.")),
        Drawn("y", error=MaskError("The mask y.png holds 7.")),
        Drawn("z", error=IoFault("z.png cannot be read: no permission.")),
    ]
    found = check(DrawnDataset([*broken, *clean(), Drawn("last", mask=make_mask(), defective=True)]))
    errors = [finding for finding in found.findings if finding.severity == "error"]
    assert [finding.what for finding in errors] == [
        "x cannot be used. x.png is empty.",
        "y cannot be used. The mask y.png holds 7.",
        "z cannot be used. z.png cannot be read: no permission.",
    ]
    assert [finding.examples for finding in errors] == [("x",), ("y",), ("z",)]
    assert found.survey.images[-1].name == "last"
    assert len(found.survey.images) == 41


def test_other_errors_are_not_swallowed() -> None:
    class Broken(DrawnDataset):
        def load(self, index: int):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        check(Broken(clean()))


def test_empty_masks_are_counted_by_what_images_are_called() -> None:
    images = [
        Drawn("a", mask=make_mask(), defective=True, label=0),
        Drawn("b", mask=make_mask(), defective=True, label=0),
        Drawn("c", mask=MARK, defective=True, label=0),
        Drawn("d", mask=make_mask(), defective=True, label=1),
        Drawn("e", mask=make_mask(), defective=False, label=1),
    ]
    first, second = find(images, "empty-mask", labels=("uneven", "fray"))
    assert first.what == "1 of 1 image called fray has an empty mask."
    assert second.what == "2 of 3 images called uneven have an empty mask."
    assert (second.severity, second.examples) == ("warning", ("a", "b"))
    assert "teach the network background" in second.advice
    assert find([Drawn("a", mask=make_mask())], "empty-mask") == []


def test_defect_free_images_with_a_mask() -> None:
    (finding,) = find([*clean(), Drawn("good-7", mask=MARK, defective=False)], "marked-normal")
    assert finding.what == "1 image called defect-free, but the mask shows a defect."
    assert finding.examples == ("good-7",)


def test_masks_that_cover_nearly_everything() -> None:
    nearly, less = (make_mask((0, 0, 48, width, 1)) for width in (62, 60))
    (finding,) = find([Drawn("a", mask=nearly), Drawn("b", mask=less)], "full-mask")
    assert finding.examples == ("a",)


@pytest.mark.parametrize(("grey_pixels", "severity"), [(6, "note"), (300, "warning")])
def test_grey_masks_come_with_the_worst_first(tmp_path: Path, grey_pixels: int, severity: str) -> None:
    def make(name: str, grey: int) -> Drawn:
        file = np.zeros((48, 64), np.uint8)
        file.reshape(-1)[:grey] = 100
        file[30:] = 255
        return Drawn(name, mask=(file > 127).astype(np.uint8), mask_file=save(tmp_path / f"{name}.png", file))

    (finding,) = find([make("a", 3), make("b", grey_pixels), make("c", 0)], "grey-mask")
    assert (finding.severity, finding.count, finding.examples) == (severity, 2, ("b", "a"))
    assert finding.what.startswith("2 of 3 mask files are grey")
    assert "up to 100 were taken for background, those from 255 for a defect" in finding.advice


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (FLAT, "1 image of one grey level"),
        (np.where(make_noise("a") > 195, 20, 0).astype(np.uint8), "1 image nearly black"),
        (np.where(make_noise("a") > 195, 200, 255).astype(np.uint8), "1 image nearly white"),
    ],
)
def test_images_that_show_nothing(image: np.ndarray, words: str) -> None:
    (finding,) = find([*clean(), Drawn("dull", image=image)], "blank-image")
    assert finding.what.startswith(words)
    assert finding.examples == ("dull",)


def test_identical_pictures_and_those_that_contradict() -> None:
    picture, other = make_noise("p"), make_noise("q")
    images = [
        Drawn("a", image=picture, mask=MARK),
        Drawn("b", image=picture, mask=MARK),
        Drawn("c", image=other, mask=MARK),
        Drawn("d", image=other, mask=make_mask()),
    ]
    same, disputed = find(images, "identical")
    assert (same.count, same.examples) == (1, ("a", "b"))
    assert (disputed.count, disputed.examples) == (1, ("c", "d"))
    assert "different masks" in disputed.what


def test_identical_pictures_are_found_without_comparing() -> None:
    picture = make_noise("p")
    found = check(DrawnDataset([Drawn("a", image=picture), Drawn("b", image=picture)]), compare=False)
    assert [finding.rule for finding in found.findings].count("identical") == 1
    assert found.survey.similarity.pairs is None


def paint(seed: int) -> np.ndarray:
    """Return a picture with coarse structure, which survives small changes."""
    cells = np.random.default_rng(seed).integers(20, 220, (8, 8)).astype(np.uint8)
    return np.kron(cells, np.ones((16, 16), np.uint8))


def test_turned_copies_are_found_and_named() -> None:
    images = [
        *(Drawn(f"plate-{n}", image=paint(n)) for n in range(6)),
        Drawn("turned", image=np.rot90(paint(3)).copy()),
        Drawn("known", image=np.rot90(paint(4)).copy(), group="plate-4"),
    ]
    (finding,) = find(images, "similar")
    assert finding.count == 1
    assert set(finding.examples) == {"plate-3", "turned"}
    assert "rotated by 90°" in finding.what
    pairs = check(DrawnDataset(images)).survey.similarity.pairs
    assert {(pair.first, pair.same_group) for pair in pairs or ()} == {("plate-3", False), ("plate-4", True)}


@pytest.mark.parametrize("compare", [True, False])
def test_leaks_between_the_parts_that_names_give(compare: bool) -> None:
    images = [
        *(Drawn(f"train/{n}", image=paint(n)) for n in range(6)),
        *(Drawn(f"test/{n}", image=paint(n)) for n in range(6, 10)),
        Drawn("test/turned", image=np.rot90(paint(3)).copy()),
        Drawn("test/second", image=paint(11), group="train/5"),
    ]
    findings = [
        finding for finding in check(DrawnDataset(images), compare=compare).findings if finding.rule == "leak"
    ]
    (finding,) = findings
    assert finding.severity == "warning"
    copies = int(compare)
    assert f"{1 + copies} of the 6 images of test show what train holds too" in finding.what
    assert f"({copies} as a copy, 1 by their group)" in finding.what
    assert {"test/second", "train/5"} <= set(finding.examples)


def test_parts_that_share_nothing_do_not_leak() -> None:
    images = [
        Drawn(f"{part}/{n}", image=paint(100 * len(part) + n)) for part in ("train", "test") for n in range(4)
    ]
    assert find(images, "leak") == []


def test_a_kind_besides_that_of_the_class() -> None:
    both = make_mask((0, 0, 8, 8, 1), (20, 20, 8, 8, 2))
    classes = ("background", "hole", "scratch")
    images = [Drawn("a", mask=both, label=0), Drawn("b", mask=make_mask((0, 0, 8, 8, 1)), label=0)]
    (finding,) = find(images, "other-kind", classes=classes, labels=("hole", "scratch"))
    assert finding.examples == ("a",)


def test_specks_are_counted_and_the_dirtiest_mask_comes_first() -> None:
    images = [
        Drawn("a", mask=make_mask((0, 0, 1, 3, 1), (9, 9, 2, 2, 1))),
        Drawn("b", mask=make_mask((0, 0, 1, 1, 1), (9, 9, 1, 2, 1))),
    ]
    (finding,) = find(images, "speck")
    assert (finding.count, finding.examples) == (3, ("b", "a"))
    assert finding.what == "3 regions of fewer than 4 px in the masks of 2 images."


def test_classes_without_images() -> None:
    (finding,) = find(
        clean(), "absent-class", classes=("background", "defect", "stain"), labels=("good", "torn")
    )
    assert finding.what == "No image shows stain, good, torn."
    named = [Drawn("a", mask=MARK, kinds=("bent",))]
    assert find(named, "absent-class") == []


def test_few_images_of_a_kind() -> None:
    (finding,) = find(clean(20), "few-images")
    assert finding.what == "Few images of defect (10)."


def test_sets_with_one_side_only() -> None:
    assert [finding.severity for finding in find([Drawn("a", mask=MARK)], "no-normals")] == ["note"]
    assert [finding.severity for finding in find([Drawn("a", mask=make_mask())], "no-defects")] == ["warning"]
    assert find([Drawn("a")], "no-normals") == find([Drawn("a")], "no-defects") == []


def test_grey_and_coloured_images() -> None:
    colour = np.random.default_rng(1).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    (finding,) = find([*clean(), Drawn("colour", image=colour)], "mixed-channels")
    assert finding.examples == ("colour",)
    assert finding.what.startswith("1 of 41 images")


def test_sides_that_are_padded() -> None:
    (finding,) = find([*clean(), Drawn("odd", image=make_noise("odd", (48, 65)))], "odd-size")
    assert (finding.severity, finding.count, finding.examples) == ("note", 1, ())


def test_sets_without_masks() -> None:
    (finding,) = find([Drawn("a"), Drawn("b")], "no-masks")
    assert finding.count == 2


def test_examples_are_few_and_severities_ordered() -> None:
    images = [
        Drawn("x", error=FrameError("It is broken.")),
        *(Drawn(f"e{n}", mask=make_mask(), defective=True) for n in range(9)),
    ]
    findings = check(DrawnDataset(images)).findings
    assert [finding.severity for finding in findings] == sorted(
        (finding.severity for finding in findings), key=["error", "warning", "note"].index
    )
    empty = next(finding for finding in findings if finding.rule == "empty-mask")
    assert (empty.count, empty.examples) == (9, tuple(f"e{n}" for n in range(EXAMPLES)))
    assert {finding.rule for finding in findings} <= set(RULES)
