"""Where training runs: never somewhere else than asked."""

from __future__ import annotations

import pytest
import torch

from edgekit.train.devices import choose_device
from edgekit_runtime.errors import DeviceUnavailable, UsageProblem


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> object:
    """Return a function that sets how many GPUs torch sees."""

    def set_count(count: int) -> None:
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)

    return set_count


def test_auto_takes_a_gpu_where_there_is_one(gpus) -> None:
    gpus(0)
    assert choose_device("auto") == "cpu"
    gpus(1)
    assert choose_device("auto") == "cuda:0"
    assert choose_device("cpu") == "cpu"


def test_a_gpu_that_was_asked_for_is_taken_or_refused(gpus) -> None:
    gpus(2)
    assert (choose_device("cuda"), choose_device("cuda:1")) == ("cuda:0", "cuda:1")
    with pytest.raises(DeviceUnavailable, match="2 GPUs"):
        choose_device("cuda:2")
    gpus(0)
    with pytest.raises(DeviceUnavailable) as caught:
        choose_device("cuda")
    assert "--device cpu" in caught.value.remedy


def test_each_process_takes_a_gpu_of_its_own_unless_one_is_named(gpus) -> None:
    gpus(2)
    assert [choose_device(name, rank=1) for name in ("auto", "cuda", "cuda:0")] == [
        "cuda:1",
        "cuda:1",
        "cuda:0",
    ]
    with pytest.raises(DeviceUnavailable, match="2 GPUs here; cuda:2"):
        choose_device("auto", rank=2)
    gpus(0)
    assert choose_device("auto", rank=1) == "cpu"


@pytest.mark.parametrize("name", ["jetson", "tpu", "cuda:", "cuda:x", ""])
def test_other_places_are_refused(name: str) -> None:
    with pytest.raises(UsageProblem):
        choose_device(name)
