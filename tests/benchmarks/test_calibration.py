"""The fastest settings are found one after the other."""

from __future__ import annotations

import pytest

from edgekit_benchmarks.calibration import Settings, tune
from tests.benchmarks.building import Clock

AXES = {"threads": ("2", "1"), "level": ("all", "basic")}


@pytest.mark.parametrize("best", [{"threads": one, "level": two} for one in "12" for two in ("all", "basic")])
def test_each_setting_is_kept_where_it_is_faster(best: Settings) -> None:
    clock = Clock()

    def build(settings: Settings) -> Settings:
        return settings

    def bind(settings: Settings):  # type: ignore[no-untyped-def]
        def call(_number: int) -> None:
            clock.now += 0.01 * (1 + sum(settings[key] != best[key] for key in best))

        return call

    tuned = tune(build, bind, AXES, limit_s=100, clock=clock)
    assert tuned.settings == tuned.made == best
    assert tuned.tried == 3


def test_a_slow_variant_is_called_twice_whatever_the_limit() -> None:
    clock, calls = Clock(), []

    def call(number: int) -> None:
        calls.append(number)
        clock.now += 60

    tune(dict, lambda _settings: call, {"threads": ("2",)}, limit_s=1, clock=clock)
    assert calls == [0, 0]
