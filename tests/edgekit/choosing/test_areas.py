"""Images as they are known, and the areas that a bundle finds on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.choosing import known_images
from edgekit.choosing.areas import AreaMeter, find_label, find_threshold
from edgekit.choosing.known_images import KnownImages
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import Bundle, ClassRule, VerdictRules, Zone
from edgekit_runtime.errors import DatasetError, FrameError, UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.edgekit.choosing.tuning import MIDDLE, SIZE, know, spot

QUIET = Reporter(quiet=True)


def measure(
    bundle: Bundle, images: KnownImages, threshold: float = 0.0
) -> tuple[list[int], list[int], float]:
    sweep = AreaMeter(bundle, images, backend=FakeBackend, reporter=QUIET)(threshold)
    assert sweep.threshold == threshold
    return sweep.defective.tolist(), sweep.normal.tolist(), sweep.flooded


def test_areas_are_those_of_the_largest_region(tmp_path: Path) -> None:
    two = spot(4, MIDDLE + 10)
    two[20:23, 20:23] = MIDDLE + 60
    images = know([two, spot(5, MIDDLE + 20)], [spot(6, MIDDLE - 9), np.full((SIZE, SIZE), MIDDLE, np.uint8)])
    bundle = fake_bundle(tmp_path / "b.edgekit", height=SIZE, width=SIZE)
    assert measure(bundle, images) == ([16, 25], [0, SIZE * SIZE], 0.5)
    assert measure(bundle, images, 15.0) == ([9, 25], [0, 0], 0.0)


def test_a_good_image_is_flooded_by_one_region_over_half_of_it(tmp_path: Path) -> None:
    half, less = np.zeros((2, SIZE, SIZE), np.uint8)
    half[: SIZE // 2] = 255
    less[: SIZE // 2] = 255
    less[0, 0] = 0
    bundle = fake_bundle(tmp_path / "b.edgekit", height=SIZE, width=SIZE)
    images = know([spot(3, 255)], [half, less, less, less])
    sweep = AreaMeter(bundle, images, backend=FakeBackend, reporter=QUIET)(0.0)
    assert (sweep.flooded, sweep.largest) == (0.25, SIZE * SIZE // 2)


def test_rules_of_the_bundle_decide_what_counts(tmp_path: Path) -> None:
    image = spot(4, 255)
    image[20:23, 20:23] = 255
    image[6, 6] = 255  # touches the first square by a corner
    images = know([image], [spot(0, 0)])
    for name, rules, expected in (
        ("plain", VerdictRules(), 17),
        ("edges", VerdictRules(connectivity=4), 16),
        ("second", VerdictRules(others=ClassRule(max_regions=1)), 9),
        ("third", VerdictRules(others=ClassRule(max_regions=2)), 0),
        ("zone", VerdictRules(zones=(Zone(0, 10),)), 9),
        ("least", VerdictRules(others=ClassRule(min_area_px=500)), 17),
    ):
        bundle = fake_bundle(tmp_path / f"{name}.edgekit", height=SIZE, width=SIZE, rules=rules)
        assert measure(bundle, images)[0] == [expected], name


def test_images_that_memory_has_no_room_for_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_images, "KEPT_BYTES", 2 * SIZE * SIZE)
    images = know([spot(3, 255), spot(4, 255)], [spot(5, 255), spot(0, 0)])
    assert len(images.kept) == 2
    bundle = fake_bundle(tmp_path / "b.edgekit", height=SIZE, width=SIZE)
    assert measure(bundle, images)[:2] == ([9, 16], [25, 0])


def test_images_larger_than_the_graph_are_measured_whole(tmp_path: Path) -> None:
    images = know([spot(20, 255)], [spot(18, 255)])
    tiles = fake_bundle(tmp_path / "t.edgekit", height=16, width=16, fit="tile", overlap=4)
    assert measure(tiles, images)[:2] == ([400], [324])


def test_both_kinds_of_image_are_needed() -> None:
    with pytest.raises(DatasetError, match="none without a defect") as caught:
        know([spot(3, 255)], [])
    assert "--include-normal" in caught.value.remedy
    with pytest.raises(DatasetError, match="no defective one"):
        know([], [spot(0, 0)])


def test_an_image_that_does_not_fit_is_named(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "b.edgekit", height=16, width=16)
    with pytest.raises(FrameError, match="image-0: "):
        measure(bundle, know([spot(3, 255)], [spot(0, 0)]))


def test_bundles_without_one_threshold_for_one_defect_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="classifies"):
        find_label(fake_bundle(tmp_path / "c.edgekit", task="classify"))
    with pytest.raises(UsageProblem, match=r"2 kinds of defect apart \(hole, stain\)"):
        find_label(fake_bundle(tmp_path / "s.edgekit", classes=("background", "hole", "stain")))
    bundle = fake_bundle(tmp_path / "b.edgekit")
    assert find_threshold(bundle) == "threshold"
    bare = replace(bundle, manifest=replace(bundle.manifest, thresholds=()))
    with pytest.raises(UsageProblem, match="0 thresholds"):
        find_threshold(bare)
