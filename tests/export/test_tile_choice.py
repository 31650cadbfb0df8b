"""The overlap that a bundle's tiles get, and networks that tiles are not for."""

import pytest
import torch

from edgekit_export.exportable import ExportInput
from edgekit_export.stage_info import describe_input
from edgekit_export.tile_choice import check_tiles, describe_tiles
from edgekit_export.tracing import trace_stages
from edgekit_runtime.errors import UsageProblem
from tests.export.networks import Segmenter


class Squeezing(Segmenter):
    """Weighs its maps by their means over the whole image."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return super().forward(image * image.mean(dim=(2, 3), keepdim=True))


def describe(network, grey, fit="tile", overlap=None, size=(32, 48), task="segment"):
    contract = describe_input(ExportInput("grey", 2), grey, size=size, batch=None, mm_per_pixel=None, fit=fit)
    return describe_tiles(contract, trace_stages(network, size=size, batch=None), overlap, task)


def test_the_overlap_is_twice_the_reach_on_the_networks_grid(grey):
    """One pixel by the first convolution, one by the second at stride 2, one below on the way up: 3 and 3."""
    contract = describe(Segmenter(), grey)
    assert (contract.reach, contract.overlap) == (3, 6)


def test_an_overlap_that_is_named_is_kept_and_the_reach_recorded(grey):
    contract = describe(Segmenter(), grey, overlap=0)
    assert (contract.reach, contract.overlap) == (3, 0)


@pytest.mark.parametrize("fit", ["refuse", "pad"])
def test_other_bundles_know_their_reach_too(grey, fit):
    contract = describe(Segmenter(), grey, fit)
    assert (contract.reach, contract.overlap) == (3, 0)


def test_a_network_that_sees_the_whole_image_needs_an_overlap_that_a_person_has_judged(grey):
    with pytest.raises(UsageProblem, match="ReduceMean") as caught:
        describe(Squeezing(), grey)
    assert "--overlap" in caught.value.remedy
    contract = describe(Squeezing(), grey, overlap=8)
    assert (contract.reach, contract.overlap) == (None, 8)
    assert describe(Squeezing(), grey, fit="pad").reach is None


def test_tiles_too_small_for_the_network_are_refused(grey):
    with pytest.raises(UsageProblem, match="must share 6") as caught:
        describe(Segmenter(), grey, size=(10, 48))
    assert "--size 12x12" in caught.value.remedy


def test_classes_of_tiles_cannot_be_joined():
    with pytest.raises(UsageProblem, match="whole frame") as caught:
        check_tiles("tile", None, "classify", (224, 224), 32)
    assert "--fit pad" in caught.value.remedy
    check_tiles("pad", None, "classify", (224, 224), 32)
