"""`--sm` as people type it, and what the library takes of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from edgekit_runtime.backends.tensorrt.compute_capability import (
    DEFAULT_TARGETS,
    check_targets,
    list_capabilities,
    parse_targets,
)
from edgekit_runtime.backends.tensorrt.nvidia_library import Library
from edgekit_runtime.errors import UsageProblem

MEMBERS = {"NONE": 0, "CURRENT": 1, "SM120": 120, "SM86": "a value of its own", "SM89": 89}


class Present(Library):
    """A library that is installed and takes 86, 89 and 120."""

    def load(self):
        return SimpleNamespace(__version__="9.9", ComputeCapability=SimpleNamespace(__members__=MEMBERS))


LIBRARY = Present("tensorrt-rtx", "TensorRT-RTX", "absent", "tensorrt-rtx", range(9, 26))


@pytest.mark.parametrize(("text", "targets"), [("86", (86,)), ("120, 86,89", (86, 89, 120))])
def test_a_list_is_read(text, targets):
    assert parse_targets(text) == targets


@pytest.mark.parametrize("text", ["", "86,", "8.6", "sm86", "-86", "86;89", "86,86", "٨٦", "123456"])
def test_what_is_no_list_is_refused(text):
    with pytest.raises(UsageProblem) as caught:
        parse_targets(text)
    assert caught.value.exit_code == 2


def test_capabilities_are_read_by_name():
    assert list(list_capabilities(LIBRARY.load()).items()) == [
        (86, "a value of its own"),
        (89, 89),
        (120, 120),
    ]


def test_targets_are_sorted():
    assert check_targets([120, 86], LIBRARY) == (86, 120)


@pytest.mark.parametrize("targets", [[], [86, 86], [75], [1]])
def test_what_the_library_does_not_take_is_refused(targets):
    with pytest.raises(UsageProblem):
        check_targets(targets, LIBRARY)


def test_a_refusal_lists_what_the_library_takes():
    with pytest.raises(UsageProblem, match=r"TensorRT-RTX 9\.9 does not compile for SM 90") as caught:
        check_targets([86, 90], LIBRARY)
    assert caught.value.remedy == "It takes: 86, 89, 120."


def test_a_board_is_sent_to_its_own_builder():
    with pytest.raises(UsageProblem, match="SM 87") as caught:
        check_targets([87], LIBRARY)
    assert "Jetson Orin" in caught.value.remedy
    assert "edgekit build" in caught.value.remedy


def test_the_library_takes_the_default():
    pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX (edgekit[tensorrt-rtx])")
    from edgekit_runtime.backends.tensorrt.nvidia_library import TENSORRT_RTX

    assert check_targets(DEFAULT_TARGETS, TENSORRT_RTX) == DEFAULT_TARGETS
    with pytest.raises(UsageProblem, match="SM 87"):
        check_targets([87], TENSORRT_RTX)
