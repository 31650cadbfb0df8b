from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_export.execution import GraphRunner
from edgekit_export.graph_io import to_bytes
from edgekit_export.passes.driver import run_passes
from edgekit_export.precision.quantise import Quantise
from edgekit_export.precision.ranges import collect_ranges
from edgekit_export.precision.sensitivity import (
    HIGHEST_SQNR_DB,
    expose_logits,
    measure_sensitivity,
    sqnr_db,
)


def test_each_layer_alone_as_the_quantised_graph_gives_it(segmenting, grey_frames):
    (ranges,) = collect_ranges(segmenting, grey_frames, method="percentile")
    found = measure_sensitivity(segmenting, [ranges], grey_frames)
    assert {item.layer for item in found} == {"first.0.Conv", "down.0.Conv", "last.Conv"}
    assert [item.sqnr_db for item in found] == sorted(item.sqnr_db for item in found)
    feeds = {"frame": grey_frames}
    plain = GraphRunner(to_bytes(segmenting[0]), optimise=False).run(feeds)["logits"]
    for item in found:
        lowered = run_passes(segmenting[0], [Quantise(ranges, {item.layer})], feeds)
        logits = GraphRunner(to_bytes(lowered), optimise=False).run(feeds)["logits"]
        wanted = 10 * math.log10(
            np.sum(plain.astype(float) ** 2) / np.sum((logits.astype(float) - plain) ** 2)
        )
        assert item.sqnr_db == pytest.approx(wanted, abs=0.01)


def test_a_layer_shows_in_the_exits_after_it(classifying, grey_frames):
    ranges = collect_ranges(classifying, grey_frames, method="max")
    found = {
        (item.stage, item.layer): item.sqnr_db
        for item in measure_sensitivity(classifying, ranges, grey_frames)
    }
    assert {stage for stage, _ in found} == {0, 1}
    assert len(found) == 4
    # A narrower range of the first feature map, which only the second stage reads in int8, costs that stage alone.
    narrow = ({**ranges[0]}, {name: largest / 8 for name, largest in ranges[1].items()})
    worse = {
        (item.stage, item.layer): item.sqnr_db
        for item in measure_sensitivity(classifying, narrow, grey_frames)
    }
    for key, value in found.items():
        if key[0] == 0:
            assert worse[key] == value
        else:
            assert worse[key] < value - 3


def test_logits_are_compared_where_a_softmax_ends_the_graph(classifying):
    first = expose_logits(classifying[0])
    names = [value.name for value in first.graph.outputs]
    assert names[0] == "features"
    assert names[1] != "p1"
    assert first.graph.outputs[1].producer().op_type in {"Gemm", "MatMul", "Add"}
    assert [value.name for value in classifying[0].graph.outputs] == ["features", "p1"]


def test_only_the_first_four_frames_count(segmenting, grey_frames):
    (ranges,) = collect_ranges(segmenting, grey_frames, method="max")
    five = [grey_frames[index] for index in (0, 1, 2, 0)]
    noise = np.random.default_rng(1).integers(0, 256, grey_frames[0].shape, np.uint8)
    assert measure_sensitivity(segmenting, [ranges], [*five, noise]) == measure_sensitivity(
        segmenting, [ranges], five
    )


@settings(max_examples=200, deadline=None, derandomize=True)
@given(signal=st.floats(0, 1e30), noise=st.floats(0, 1e30))
def test_a_ratio_is_always_a_number(signal, noise):
    assert -HIGHEST_SQNR_DB <= sqnr_db(signal, noise) <= HIGHEST_SQNR_DB


def test_decibels():
    assert sqnr_db(100.0, 1.0) == pytest.approx(20.0)
    assert sqnr_db(1.0, 0.0) == pytest.approx(20 * math.log10(2**24))
