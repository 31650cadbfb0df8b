"""Mobile-DI: the conformance suites, and where its exits stand."""

from __future__ import annotations

import pytest
import torch

from edgekit.models import MODELS, build_model
from edgekit.models.counting import count_cost, count_exit_macs, count_parameters
from edgekit.models.mobile_di import MobileDI
from edgekit.models.mobilenet import MobileNet, MobileNetBackbone
from tests.conformance.exit_conformance import ExitConformance
from tests.edgekit.models.settling import SettledConformance


@pytest.mark.slow
class TestMobileDI(SettledConformance, ExitConformance):
    model = "mobile-di"
    compiled = (("fp16", 1), ("int8", None))  # in fp32 the narrow twin of `test_exits` stands for it
    sizes = ((32, 32), (33, 47), (64, 40))
    usual_size = (64, 48)


@pytest.fixture
def weightless() -> MobileDI:
    with torch.device("meta"):
        return MobileDI(5)


def test_exits_stand_after_strides_4_to_32(weightless: MobileDI) -> None:
    maps = []
    features = torch.empty(1, 3, 224, 224, device="meta")
    with torch.no_grad():
        for stage in weightless.eval().stages():
            features = stage.module.body(features)
            maps.append(tuple(features.shape[1:]))
    assert maps == [(24, 56, 56), (40, 28, 28), (112, 14, 14), (960, 7, 7)]


def test_the_last_exit_classifies_what_the_plain_network_does(weightless: MobileDI) -> None:
    names = [name for name in weightless.state_dict() if name.startswith("features.")]
    with torch.device("meta"):
        assert names == list(MobileNetBackbone().state_dict())
    network, plain = build_model(MODELS.get("mobile-di"), seed=1).eval(), MobileNet(5).eval()
    plain.features.load_state_dict(network.features.state_dict())
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = network.classifiers["4"](plain.features(image))
        assert torch.equal(network(image)[-1], expected)


def test_its_costs(weightless: MobileDI) -> None:
    # No paper prints them: counted once, to notice a change.
    assert count_parameters(weightless) == 3_678_188
    assert count_exit_macs(weightless, (3, 224, 224)) == (44_129_852, 73_934_496, 156_246_104, 252_092_120)
    with torch.device("meta"):
        plain = count_cost(MobileNet(5), (3, 224, 224)).operations
    first, second, third, fourth = (macs / plain for macs in count_exit_macs(weightless, (3, 224, 224)))
    assert first < second < 0.5 < third < 1 < fourth < 1.2
