from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from edgekit_export.planning import make_plan
from edgekit_runtime.errors import CheckpointError, UsageProblem
from tests.export.building import model_info
from tests.export.networks import Segmenter


def plan(network, normalisation, **more):
    arguments = {
        "size": (32, 48),
        "batch": None,
        "mm_per_pixel": None,
        "samples": [np.zeros((32, 48), np.uint8)],
        "thresholds": {},
        "rewrites": frozenset(),
        "report": print,
        **more,
    }
    info = arguments.pop("info", model_info("segment", 1))
    return make_plan(network, info, normalisation, **arguments)


def test_the_size_is_the_networks_own_where_omitted(grey):
    contract = plan(Segmenter(), grey, size=None).contract
    assert contract.frame_shape == (32, 48)
    assert plan(Segmenter(), grey).threshold == 0.0


def test_the_fit_and_the_wanted_overlap_are_recorded(grey):
    assert plan(Segmenter(), grey).contract.fit == "refuse"
    assert plan(Segmenter(), grey, fit="pad").contract.fit == "pad"
    made = plan(Segmenter(), grey, fit="tile", overlap=6)
    assert (made.contract.fit, made.overlap) == ("tile", 6)


def test_tiles_that_cannot_be_are_refused_before_anything_is_traced(grey):
    with pytest.raises(UsageProblem, match="Only tiles overlap"):
        plan(Segmenter(), grey, fit="pad", overlap=0)
    with pytest.raises(UsageProblem, match="0 to 16 pixels, in multiples of 2"):
        plan(Segmenter(), grey, fit="tile", overlap=5)


def test_what_is_not_exportable_is_told_what_it_lacks(grey):
    with pytest.raises(UsageProblem, match="A Conv2d cannot be exported") as caught:
        plan(nn.Conv2d(1, 1, 1), grey)
    assert "exportable" in caught.value.remedy


def test_an_unknown_rewrite(grey):
    with pytest.raises(UsageProblem) as caught:
        plan(Segmenter(), grey, rewrites=frozenset({"subpixels"}))
    assert "subpixel" in caught.value.remedy


def test_another_task(grey):
    with pytest.raises(UsageProblem, match="'segment'"):
        plan(Segmenter(), grey, info=model_info("classify", 3))


def test_weights_that_are_not_finite(grey):
    network = Segmenter()
    network.last.weight.data[0, 0] = float("nan")
    with pytest.raises(CheckpointError, match=r"last\.weight"):
        plan(network, grey)


def test_a_size_that_is_no_multiple(grey):
    with pytest.raises(UsageProblem) as caught:
        plan(Segmenter(), grey, size=(31, 48))
    assert "--size" in caught.value.remedy
