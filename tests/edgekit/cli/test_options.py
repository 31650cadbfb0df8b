"""Types of options."""

from __future__ import annotations

import click
import pytest

from edgekit.cli.options import BatchType, SizeType


@pytest.mark.parametrize(("text", "size"), [("512x256", (512, 256)), ("64×80", (64, 80))])
def test_size_is_height_times_width(text: str, size: tuple[int, int]) -> None:
    assert SizeType().convert(text, None, None) == size


@pytest.mark.parametrize(
    "text", ["", "512", "0x5", "5x0", "-5x5", "5x5x5", "1e3x5", "999999x5", "²x5", "5 x 5"]
)
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="512x512"):
        SizeType().convert(text, None, None)


@pytest.mark.parametrize(("text", "batch"), [("dynamic", None), ("1", 1), ("4096", 4096)])
def test_batch(text: str, batch: int | None) -> None:
    assert BatchType().convert(text, None, None) == batch


@pytest.mark.parametrize("text", ["0", "4097", "-1", "²", "x", "", "9" * 5000])
def test_other_batches_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="dynamic"):
        BatchType().convert(text, None, None)
