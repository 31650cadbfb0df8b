"""Peers by name."""

from __future__ import annotations

import pytest

from edgekit.benching.peer_names import parse_peers
from edgekit_runtime.errors import UsageProblem


def test_names_are_read_once_each_in_their_order() -> None:
    assert parse_peers("") == ()
    assert parse_peers(" openvino, onnxruntime,openvino") == ("openvino", "onnxruntime")


@pytest.mark.parametrize("text", ["openvina", "openvino,", "OpenVINO"])
def test_an_unknown_peer_names_the_nearest(text: str) -> None:
    with pytest.raises(UsageProblem, match="peer"):
        parse_peers(text)
