from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from edgekit_export.execution import GraphRunner
from edgekit_export.graph_io import expose_value, to_bytes
from edgekit_export.precision.ranges import collect_ranges
from edgekit_export.precision.scales import EMPTY_RANGE, scale_of_range
from edgekit_runtime.errors import UnusableInput
from tests.export.networks import settle
from tests.export.precision.staging import copy_of, make_stages


def values_of(stage, name, feeds):
    if name in feeds:
        return feeds[name]
    return GraphRunner(expose_value(to_bytes(stage), name), optimise=False).run(feeds)[name]


def test_the_largest_magnitude_of_every_tensor(segmenting, grey_frames):
    (ranges,) = collect_ranges(segmenting, grey_frames, method="max")
    assert len(ranges) == 3  # the frame, the first feature map, the concatenation; not what is transposed
    for name, largest in ranges.items():
        values = values_of(segmenting[0], name, {"frame": grey_frames})
        assert largest == pytest.approx(np.abs(values).max(), rel=1e-5)


def test_every_stage_is_fed_by_the_one_before(classifying, grey_frames):
    first, second = collect_ranges(classifying, grey_frames, method="max")
    feeds = {"frame": grey_frames}
    carried = GraphRunner(to_bytes(classifying[0]), optimise=False).run(feeds)
    for name, largest in second.items():
        assert largest == pytest.approx(np.abs(values_of(classifying[1], name, carried)).max(), rel=1e-5)
    assert "features" in second
    assert "frame" not in first  # uint8


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_in_parts_and_in_another_order_ranges_are_the_same(segmenting, grey_frames, method):
    whole = collect_ranges(segmenting, grey_frames, method=method)
    assert collect_ranges(segmenting, grey_frames[::-1], method=method, most_bytes=1) == whole


def test_a_fixed_batch_gives_what_a_dynamic_one_gives(segmenting, segmenter, grey, grey_frames):
    (dynamic,) = collect_ranges(segmenting, grey_frames, method="percentile")
    fixed = make_stages(
        segmenter, grey, grey_frames[:2], batch=2
    )  # three frames: the second run is filled up
    (found,) = collect_ranges(fixed, grey_frames, method="percentile")
    assert found.keys() == dynamic.keys()
    for name, largest in found.items():
        # Sums of another order may meet the neighbouring one of 2048 bins.
        assert largest == pytest.approx(dynamic[name], rel=1e-3)


def test_what_fills_a_batch_up_does_not_count(segmenting, segmenter, grey, grey_frames):
    """Three frames in runs of two: the black one that is repeated would lower every median."""
    frames = np.stack([grey_frames[0], grey_frames[1], np.zeros_like(grey_frames[0])])
    fixed = make_stages(segmenter, grey, grey_frames[:2], batch=2)
    (wanted,), (found,) = (
        collect_ranges(stages, frames, method="percentile", percentile=50) for stages in (segmenting, fixed)
    )
    for name, largest in found.items():
        assert largest == pytest.approx(wanted[name], rel=0.01)


@pytest.mark.parametrize("weight", [np.nan, 3e38])
def test_nan_and_infinity_name_tensor_and_image(segmenting, grey_frames, weight):
    broken = copy_of(segmenting[0])
    weights = broken.graph.initializers["first.0.weight"]
    array = weights.const_value.numpy().copy()
    array[2] = weight
    weights.const_value = ir.tensor(array, name=weights.name)
    with pytest.raises(UnusableInput, match=r"'[\w.]+' is NaN or infinite for image 0 "):
        collect_ranges([broken], grey_frames, method="percentile")


def test_a_tensor_that_is_zero_throughout_gets_a_scale_that_divides(segmenter, grey, grey_frames):
    silent = settle(type(segmenter)(), 1)
    silent.first[1].weight.data.zero_()
    silent.first[1].bias.data.zero_()
    (ranges,) = collect_ranges(make_stages(silent, grey, grey_frames), grey_frames, method="percentile")
    zeros = [name for name, largest in ranges.items() if largest == 0]
    assert zeros == ["first.2.LeakyRelu"]
    assert scale_of_range(0.0) == np.float32(EMPTY_RANGE / 127)


def test_the_image_that_overflows_is_named(segmenting, grey_frames):
    broken = copy_of(segmenting[0])
    shift = broken.graph.initializers["frame.shift"]
    usual = np.full_like(grey_frames[0], 100)
    bright = usual.copy()
    bright[0, 0] = 255
    shift.const_value = ir.tensor(np.full((1, 1, 1, 1), 100, np.float32), name=shift.name)
    weights = broken.graph.initializers["first.0.weight"]
    weights.const_value = ir.tensor(np.full(weights.shape.numpy(), 3e38, np.float32), name=weights.name)
    with pytest.raises(UnusableInput, match="for image 1 "):
        collect_ranges([broken], [usual, bright], method="max")
