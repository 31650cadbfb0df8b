"""Sample pictures: when they are drawn, of which images, and what they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.train.overlays import COUNT, TIMES, choose_images, draw_samples, is_drawn
from edgekit_runtime.errors import IoFault
from tests.edgekit.image_folders import load
from tests.edgekit.train.arrays import ArrayDataset, make_store


def make_set(defective: int, normal: int) -> ArrayDataset:
    size = (10, 14)
    clean = np.zeros(size, np.uint8)
    spoilt = clean.copy()
    spoilt[2:5, 3:9] = 1
    masks = [spoilt] * defective + [clean] * normal
    return ArrayDataset([np.full(size, 120, np.uint8)] * len(masks), masks)


@given(epochs=st.integers(1, 1000))
def test_the_first_and_the_last_epoch_are_drawn_and_about_eight_in_all(epochs: int) -> None:
    drawn = [epoch for epoch in range(1, epochs + 1) if is_drawn(epoch, epochs)]
    assert drawn[0] == 1
    assert drawn[-1] == epochs
    assert len(drawn) <= 2 * TIMES
    assert len(drawn) >= min(epochs, TIMES - 2)


@pytest.mark.parametrize(
    ("defective", "normal", "expected"),
    [
        (20, 20, (6, 2)),
        (20, 0, (8, 0)),
        (20, 1, (7, 1)),
        (0, 20, (0, 8)),
        (2, 20, (2, 6)),
        (2, 3, (2, 3)),
        (6, 2, (6, 2)),
    ],
)
def test_three_quarters_are_defective_where_there_are_so_many(
    defective: int, normal: int, expected: tuple[int, int]
) -> None:
    store = make_store(make_set(defective, normal))
    chosen = choose_images(store)
    assert len(chosen) == len(set(chosen)) == min(COUNT, defective + normal)
    shown = int(store.defective[chosen].sum())
    assert (shown, len(chosen) - shown) == expected


def test_the_choice_is_spread_over_the_part() -> None:
    chosen = choose_images(make_store(make_set(60, 20)))
    assert chosen == sorted(chosen)
    assert chosen[0] == 0
    assert chosen[5] >= 50


def test_what_was_found_is_red_and_what_is_there_has_a_green_outline(tmp_path: Path) -> None:
    path = tmp_path / "samples" / "epoch-001.png"
    seen = []

    def answer(images: np.ndarray) -> np.ndarray:
        seen.append(images.shape)
        found = np.zeros(images.shape[:3], np.uint8)
        found[:, 0:2, 0:2] = 1
        return found

    draw_samples(path, make_store(make_set(1, 1)), answer, multiple=16)
    assert seen == [(1, 16, 16)] * 2
    sheet = load(path).astype(int)
    red = (sheet[..., 0] > sheet[..., 1] + 60) & (sheet[..., 0] > sheet[..., 2] + 60)
    green = (sheet[..., 1] > sheet[..., 0] + 60) & (sheet[..., 1] > sheet[..., 2] + 60)
    assert red.any()
    assert green.any()
    # Both images show what was found, only the defective one an outline.
    half = sheet.shape[1] // 2 if sheet.shape[1] < 700 else 308
    assert red[:, :half].any()
    assert red[:, half:].any()
    assert green[:, :half].any() != green[:, half:].any()


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "samples").write_text("in the way")
    with pytest.raises(IoFault, match=r"epoch-001\.png cannot be written"):
        draw_samples(
            tmp_path / "samples" / "epoch-001.png",
            make_store(make_set(1, 0)),
            lambda images: np.zeros(images.shape[:3], np.uint8),
            multiple=1,
        )
