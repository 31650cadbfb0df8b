"""How a batch is shared, and what torchrun's variables must say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edgekit.train.shards import join_processes, keep_buffers, split_batch
from edgekit_runtime.errors import UsageProblem
from tests.edgekit.train.arrays import make_batch

VARIABLES = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@given(images=st.integers(1, 40), shards=st.integers(1, 12))
def test_shards_cover_the_batch_in_order_and_differ_by_one_at_most(images: int, shards: int) -> None:
    batch = make_batch(
        np.arange(images, dtype=np.uint8).reshape(images, 1, 1), np.zeros((images, 1, 1), np.uint8)
    )
    parts = split_batch(batch, shards)
    sizes = [len(part) for part in parts]
    assert len(parts) == shards
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] - sizes[-1] <= 1
    assert torch.equal(torch.cat([part.images for part in parts]), batch.images)
    assert tuple(name for part in parts for name in part.names) == batch.names


def test_buffers_are_put_back_and_weights_are_not() -> None:
    network = nn.BatchNorm1d(2)
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    with keep_buffers(network, active=True):
        network(torch.randn(4, 2, generator=torch.Generator().manual_seed(0)))
        with torch.no_grad():
            network.weight.fill_(7)
    assert all(torch.equal(buffer, before[name]) for name, buffer in network.named_buffers())
    assert float(network.weight[0].detach()) == 7
    with keep_buffers(network, active=False):
        network(torch.ones(4, 2))
    assert int(network.num_batches_tracked) == 1


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with join_processes(device="cpu") as processes:
        assert (processes.count, processes.rank, processes.leads) == (1, 0, True)
        assert processes.share("what I have") == "what I have"
        assert float(processes.total(torch.tensor(3.0))) == 3.0
        network = nn.Linear(1, 1)
        assert processes.wrap(network) is network


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE"),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE"),
        ({"WORLD_SIZE": "2"}, "RANK"),
        ({"WORLD_SIZE": "2", "RANK": "x", "LOCAL_RANK": "0"}, "RANK"),
        ({"WORLD_SIZE": "2", "RANK": "0"}, "LOCAL_RANK"),
        ({"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}, "MASTER_ADDR"),
        ({"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "localhost"}, "MASTER_PORT"),
    ],
)
def test_variables_that_torchrun_does_not_set_are_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], word: str
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageProblem, match=f"variable {word} is"), join_processes(device="cpu"):
        pass
