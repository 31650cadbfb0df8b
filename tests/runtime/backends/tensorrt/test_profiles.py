"""Batches, and the shapes that they give the inputs of a graph."""

from __future__ import annotations

import pytest

from edgekit_runtime.backends.tensorrt.profiles import Batches, make_profile
from edgekit_runtime.bundle import TensorInfo
from edgekit_runtime.errors import UsageProblem

FRAME = TensorInfo("frame", "uint8", ("N", 8, 16, 3))
FIXED = TensorInfo("frame", "uint8", (2, 8, 16, 3))
THRESHOLD = TensorInfo("threshold", "float32", ())


def test_only_what_depends_on_the_batch_has_shapes():
    assert make_profile([FRAME, THRESHOLD], Batches(1, 4, 16)) == {
        "frame": ((1, 8, 16, 3), (4, 8, 16, 3), (16, 8, 16, 3))
    }
    assert make_profile([FIXED, THRESHOLD], None) == {}


@pytest.mark.parametrize(("inputs", "batches"), [([FRAME], None), ([FIXED], Batches(1, 1, 1))])
def test_a_profile_belongs_to_a_dynamic_batch(inputs, batches):
    with pytest.raises(UsageProblem) as caught:
        make_profile(inputs, batches)
    assert caught.value.remedy != UsageProblem.default_remedy


@pytest.mark.parametrize("numbers", [(0, 1, 1), (2, 1, 4), (1, 8, 4), (1, 1, 1 << 20), (-1, 1, 1)])
def test_batches_rise(numbers):
    with pytest.raises(UsageProblem, match="must rise"):
        Batches(*numbers)
