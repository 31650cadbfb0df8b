"""Other people's torch files; what hostile ones do is tried in test_authors.py, through the same reader."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from edgekit.checkpoints.torch_files import (
    BYTES_PER_PARAMETER,
    OVERHEAD_BYTES,
    is_state_dict,
    read_torch_file,
    remove_parallel_prefix,
    size_limit,
)
from edgekit_runtime.errors import CheckpointError
from tests.edgekit.checkpoints.test_authors import Opener

ONE = torch.ones(1)


def test_the_limit_grows_with_the_network() -> None:
    assert size_limit(nn.Linear(10, 3)) == OVERHEAD_BYTES + 33 * BYTES_PER_PARAMETER


def test_plain_content_is_read_and_code_is_refused_with_the_remedy(tmp_path: Path) -> None:
    torch.save({"a": ONE, "epoch": 3}, tmp_path / "plain.pth")
    content = read_torch_file(tmp_path / "plain.pth", limit=1 << 20, remedy="do so")
    assert content == {"a": ONE, "epoch": 3}
    torch.save({"a": ONE, "trap": Opener(tmp_path / "trap")}, tmp_path / "code.pth")
    with pytest.raises(CheckpointError, match="more than plain weights") as caught:
        read_torch_file(tmp_path / "code.pth", limit=1 << 20, remedy="do so")
    assert caught.value.remedy == "do so"
    assert not (tmp_path / "trap").exists()


def test_a_file_above_the_limit_is_not_opened(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(5000)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="at most 10,000"):
        read_torch_file(tmp_path / "a.pth", limit=10_000, remedy="")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"a": ONE}, True),
        ({}, True),
        ({"a": ONE, "b": 3}, False),
        ({"net": {"a": ONE}}, False),
        ([ONE], False),
    ],
)
def test_a_state_dict_holds_tensors_alone(content: object, expected: bool) -> None:
    assert is_state_dict(content) is expected


def test_the_prefix_is_removed_and_doubles_are_refused() -> None:
    assert remove_parallel_prefix({"module.a": ONE, "b": ONE}, Path("f")).keys() == {"a", "b"}
    with pytest.raises(CheckpointError, match="holds a twice"):
        remove_parallel_prefix({"module.a": ONE, "a": ONE}, Path("f"))
