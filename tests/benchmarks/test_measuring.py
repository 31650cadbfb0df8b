"""A whole run: fake subject, fake peers, and a clock that they turn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_benchmarks.contestants import Answer, Contestant
from edgekit_benchmarks.measuring import Conditions, Tools, measure_run
from edgekit_benchmarks.profiles import Profile, find_profile
from edgekit_benchmarks.subjects import read_batches
from edgekit_runtime import Detector, find_regions
from edgekit_runtime.errors import GateFailed, UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.benchmarks.building import Clock

PROFILE = Profile("test", 64, 1e9, 1e9, 1.0, 1.0, 1, roofline=False)
CONDITIONS = Conditions(PROFILE, cold=False)


def make_peer(clock: Clock, name: str, seconds: float, *, wrong: bool = False) -> Contestant:
    def call(frames: np.ndarray) -> np.ndarray:
        clock.now += seconds
        return (frames >= 128) ^ wrong

    def read(masks: np.ndarray) -> list[Answer]:
        return [Answer(mask.astype(np.uint8), find_regions(mask)) for mask in masks]

    return Contestant(name, call, read, graph="a comparison")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def measure(tmp_path: Path, clock: Clock) -> Callable[..., Any]:
    """Measure a fake bundle whose backend takes 1 ms."""
    bundle = fake_bundle(tmp_path / "line.edgekit")

    def answer(inputs: Any) -> dict[str, Any]:
        clock.now += 0.001
        return {"mask": inputs["frame"] >= 128}

    backend = partial(FakeBackend, answers={"segment": answer})

    def run(*peers: Contestant, conditions: Conditions = CONDITIONS, **tools: Any) -> Any:
        with Detector(bundle, backend=backend) as detector:
            lent = Tools(clock=clock, sleep=clock.sleep, **tools)
            return measure_run(detector, read_batches(bundle, 1), peers, conditions, lent)

    return run


def test_subject_and_peers_get_their_own_figures(measure: Callable[..., Any], clock: Clock) -> None:
    run = measure(make_peer(clock, "slow", 0.008), make_peer(clock, "even", 0.001))
    assert run.subject.latency_ms.p50 == pytest.approx(1)
    assert run.subject.latency_ms.samples == 64
    assert run.subject.latency_ms.p99 is None
    assert [row.name for row in run.against] == ["slow", "even"]
    assert [row.ratio.median for row in run.against] == [pytest.approx(8), pytest.approx(1)]
    assert run.against[0].latency_ms.p90 == pytest.approx(8)
    assert run.subject.warm_up.stable


def test_a_wrong_peer_gets_no_figure_and_the_right_one_keeps_its_own(
    measure: Callable[..., Any], clock: Clock
) -> None:
    run = measure(make_peer(clock, "wrong", 0.0001, wrong=True), make_peer(clock, "right", 0.002))
    wrong, right = run.against
    assert not wrong.agreement.ok
    assert (wrong.latency_ms, wrong.ratio, wrong.paced, wrong.warm_up) == (None,) * 4
    assert right.ratio.median == pytest.approx(2)


def test_a_subject_whose_regions_are_not_its_masks_is_not_measured(
    measure: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit_benchmarks.subjects.read_regions", lambda *_: np.empty((0, 6), np.int64))
    with pytest.raises(GateFailed, match="not the 1 of its mask"):
        measure()


def test_phases_are_those_of_the_pieces(measure: Callable[..., Any], clock: Clock) -> None:
    def decode(_number: int) -> None:
        clock.now += 0.003

    phases = measure(decode=decode).subject.phases
    assert phases.stages_ms == pytest.approx(1)
    assert phases.decode_ms == pytest.approx(3)
    # The clock stands still in everything that is not told to take time.
    assert (phases.pre_ms, phases.regions_ms, phases.result_ms) == (0, 0, 0)
    assert measure().subject.phases.decode_ms is None


def test_a_paced_run_is_made_of_everybody(measure: Callable[..., Any], clock: Clock) -> None:
    conditions = Conditions(PROFILE, rate_hz=10, cold=False)
    run = measure(make_peer(clock, "slow", 0.2), conditions=conditions)
    assert (run.subject.paced.due, run.subject.paced.missed) == (10, 0)
    assert run.against[0].paced.missed == 10
    assert measure().subject.paced is None


def test_a_classifier_has_no_regions(tmp_path: Path, clock: Clock) -> None:
    bundle = fake_bundle(tmp_path / "cloth.edgekit", task="classify", exits=2)
    ticking = iter(range(10**9))
    tools = Tools(clock=lambda: next(ticking) * 1e-3)
    with Detector(bundle, backend=FakeBackend) as detector:
        run = measure_run(detector, read_batches(bundle, 2), (), CONDITIONS, tools)
    assert run.subject.phases.regions_ms is None
    assert run.subject.batch == 2
    assert run.subject.macs == 2


def test_progress_tells_every_round(measure: Callable[..., Any]) -> None:
    from contextlib import nullcontext

    steps: list[int] = []
    bars: list[int] = []

    def progress(length: int) -> Any:
        bars.append(length)
        return nullcontext(lambda: steps.append(1))

    measure(progress=progress)
    assert bars == [len(steps)] == [16]


def test_an_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(UsageProblem, match="standard"):
        find_profile("standart")
