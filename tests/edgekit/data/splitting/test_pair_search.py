"""All pairs, in blocks: the same as comparing one by one."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.data.splitting import pair_search
from edgekit.data.splitting.likeness import Look, look_at, measure_norms
from edgekit.data.splitting.pair_search import MAX_DISTANCE, MIN_CORRELATION, PairSearch
from edgekit.data.splitting.perceptual_hash import count_differing_bits, orient
from tests.edgekit.data.splitting.pictures import draw_part, draw_picture, encode_jpeg, turn


def compare_one_by_one(looks: list[Look]) -> list[tuple[int, int, int, float]]:
    """Return (first, second, orientation, correlation) by the words of the documentation, in float64."""
    found = []
    for second in range(len(looks)):
        for first in range(second):
            best = (0.0, 0)
            for way in range(8):
                if count_differing_bits(looks[first].hashes[way], looks[second].hashes[0]) > MAX_DISTANCE:
                    continue
                pair = np.stack([orient(looks[first].outline, way), looks[second].outline]).astype(float)
                best = max(
                    best, (round(float((pair[0] * pair[1]).sum() / np.prod(measure_norms(pair))), 6), -way)
                )
            if best[0] >= MIN_CORRELATION:
                found.append((first, second, -best[1], best[0]))
    return sorted(found)


@pytest.mark.parametrize("block", [1, 3, 128])
def test_blocks_find_what_comparing_one_by_one_finds(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_search, "_BLOCK", block)
    images = [draw_picture(n, (80, 80)) for n in range(5)]
    images += [encode_jpeg(turn(image, n), 70) for n, image in enumerate(images)]
    images += [draw_part(n) for n in range(4)]
    looks = [look_at(image) for image in images]
    pairs = PairSearch(looks).find_pairs()
    found = [
        (int(pair["first"]), int(pair["second"]), int(pair["orientation"]), float(pair["correlation"]))
        for pair in pairs
    ]
    assert sorted(found) == compare_one_by_one(looks)
    assert {(n, n + 5, n) for n in range(5)} <= {pair[:3] for pair in found}


def test_detail_tells_copies_from_parts_in_a_fixture() -> None:
    looks = [look_at(image) for image in (draw_part(1), draw_part(2), encode_jpeg(draw_part(2), 90))]
    detailed = {
        (int(p["first"]), int(p["second"])): bool(p["detailed"]) for p in PairSearch(looks).find_pairs()
    }
    assert detailed == {(0, 1): False, (0, 2): False, (1, 2): True}


def test_one_image_has_no_pair() -> None:
    assert len(PairSearch([look_at(draw_picture(1))]).find_pairs()) == 0
