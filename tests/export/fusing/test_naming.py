from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgekit_export.fusing.naming import name_operations


def test_modules_give_their_names():
    nodes = ["encoder1.0.Conv", "encoder2.0.Conv", "net.up.3.ConvTranspose", "output.Conv"]
    assert name_operations(nodes) == ["encoder1", "encoder2", "net.up", "output"]


def test_numbers_stay_where_they_tell_modules_apart():
    assert name_operations(["layers.0.Conv", "layers.3.Conv", "head.0.Conv"]) == [
        "layers.0",
        "layers.3",
        "head",
    ]
    assert name_operations(["0.Conv", "3.Conv"]) == ["0", "3"]


def test_functions_are_called_after_their_operator():
    assert name_operations(["Conv", "Conv_1", "ConvTranspose"]) == ["conv", "conv_1", "convtranspose"]


def test_a_module_that_is_used_again_is_counted():
    assert name_operations(["a.Conv", "a.Conv_1"]) == ["a", "a_1"]


def test_the_frame_keeps_its_name_to_itself():
    assert name_operations(["frame.Conv"]) == ["frame_1"]


@given(st.lists(st.text("ab.0_\x1bä ", min_size=0, max_size=8).map(lambda stem: f"{stem}.Conv"), max_size=12))
def test_names_are_unique_and_plain(nodes):
    names = name_operations(nodes)
    assert len(set(names)) == len(nodes)
    assert all(name and name.isascii() and name.isprintable() and " " not in name for name in names)
