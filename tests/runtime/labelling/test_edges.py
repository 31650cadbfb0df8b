"""The two instructions, at every place of a mask and for every bit."""

import numpy as np

from edgekit_runtime.jit import inline
from edgekit_runtime.labelling.edges import BLOCK, LANES, find_edges, find_lowest_bit, is_background


@inline
def edges_at(mask, offset):
    return find_edges(mask, offset)


@inline
def background_at(mask, offset):
    return is_background(mask, offset)


@inline
def lowest_bit_of(word):
    return find_lowest_bit(word)


def test_a_bit_is_set_where_a_pixel_differs_from_the_one_before():
    mask = np.random.default_rng(5).integers(0, 3, (3, 97), np.uint8)
    flat = mask.ravel().astype(int)
    for offset in range(1, mask.size - LANES + 1):
        differs = np.diff(flat[offset - 1 : offset + LANES]) != 0
        assert int(edges_at(mask, offset)) == sum(1 << int(place) for place in np.flatnonzero(differs))


def test_one_pixel_anywhere_in_a_block_is_seen_and_none_beside_it():
    mask = np.zeros((1, BLOCK + 2), np.uint8)
    mask[0, [0, -1]] = 1
    assert background_at(mask, 1)
    for place in range(1, BLOCK + 1):
        for value in (1, 128, 255):
            mask[0, place] = value
            assert not background_at(mask, 1)
        mask[0, place] = 0


def test_every_bit_is_found_whatever_lies_above_it():
    for place in range(64):
        assert lowest_bit_of(np.uint64(1 << place)) == place
        assert lowest_bit_of(np.uint64((2**64 - 1) >> place << place)) == place
