"""What two processes say to each other arrives as it was sent, or is refused."""

from __future__ import annotations

import pytest

from edgekit_runtime.backends.tensorrt.exchange import Answer, Problem, Request, pack, unpack
from edgekit_runtime.bundle import TensorInfo

REQUEST = Request("m", (86,), (TensorInfo("x", "uint8", ("N", 4)),), {"x": ((1, 4), (2, 4), (8, 4))})
ANSWER = Answer((Problem("parse", "n", "Conv", True, "a\nb"),), "1.7", ("Layers:\nName\x1f",))


@pytest.mark.parametrize(("head", "body"), [(REQUEST, b""), (ANSWER, b"\n{}\n\x00\xff")])
def test_it_arrives(head, body):
    assert unpack(type(head), pack(head, body)) == (head, body)


@pytest.mark.parametrize("data", [b"", b"{}", b"{}\n", b"[]\nx", b"\xff\n", pack(REQUEST, b"")])
def test_anything_else_is_refused(data):
    with pytest.raises(ValueError):  # noqa: PT011 - any of three readers
        unpack(Answer, data)
