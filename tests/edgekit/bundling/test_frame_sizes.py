"""Which frames a bundle takes, by what its checkpoint says of the training."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.bundling.frame_sizes import choose_frames
from edgekit.checkpoints.format import Checkpoint
from edgekit.models import MODELS
from edgekit_runtime.errors import CheckpointError
from tests.edgekit.records import make_record

S = MODELS.get("cheapnet-s")
"""Admits multiples of 16; 512×512 by default."""


def seen(smallest: object, largest: object, **changes: Any) -> Checkpoint:
    """Return the record of a training on images of these sizes."""
    training = {"image_sizes": {"smallest": smallest, "largest": largest}, "size": None}
    return make_record("cheapnet-s", training=training, **changes)


@pytest.mark.parametrize(
    ("smallest", "largest", "size", "fit", "reason"),
    [
        ([512, 512], [512, 512], (512, 512), "refuse", "no image of the training was padded"),
        ([200, 200], [200, 200], (208, 208), "pad", "images had 200x200."),
        ([64, 90], [64, 96], (64, 96), "pad", "images had 64x90 to 64x96."),
        ([64, 64], [128, 64], (128, 64), "pad", "64x64 to 128x64"),
        # No image has both sides of the largest: upright and lying ones must all fit.
        ([40, 30], [100, 90], (112, 96), "pad", "40x30 to 100x90"),
        ([1, 1], [1, 1], (16, 16), "pad", "1x1"),
    ],
)
def test_the_default_holds_every_image_of_the_training(
    smallest: list[int], largest: list[int], size: tuple[int, int], fit: str, reason: str
) -> None:
    choice = choose_frames(seen(smallest, largest), S)
    assert (choice.size, choice.fit) == (size, fit)
    assert reason in choice.reason
    assert f"{size[0]}x{size[1]}" in choice.reason
    assert f"fit {fit}" in choice.reason


@pytest.mark.parametrize(
    ("side", "size", "fit"),
    [
        (512, (512, 512), "refuse"),
        (512, (256, 512), "refuse"),
        (512, (512, 528), "pad"),
        (512, (1024, 256), "pad"),
        (200, (192, 192), "pad"),
    ],
)
def test_a_size_that_is_named_is_kept_and_padded_to_where_images_were_smaller(
    side: int, size: tuple[int, int], fit: str
) -> None:
    choice = choose_frames(seen([side, side], [side, side]), S, size=size)
    assert (choice.size, choice.fit) == (size, fit)


@pytest.mark.parametrize("fit", ["refuse", "pad", "tile"])
@pytest.mark.parametrize("side", [200, 512])
def test_a_fit_that_is_named_is_kept(side: int, fit: str) -> None:
    choice = choose_frames(seen([side, side], [side, side]), S, fit=fit)
    assert choice.fit == fit
    assert "as --fit says" in choice.reason


@pytest.mark.parametrize("provenance", ["demo", "imported", "untrained"])
def test_weights_that_the_user_did_not_train_refuse_other_frames(provenance: Any) -> None:
    choice = choose_frames(seen([200, 200], [200, 200], provenance=provenance), S)
    assert (choice.fit, choice.reason) == ("refuse", "")
    bare = choose_frames(make_record("cheapnet-s", provenance=provenance), S)
    assert (bare.size, bare.fit, bare.reason) == (S.size, "refuse", "")
    assert choose_frames(make_record("cheapnet-s", provenance=provenance), S, fit="pad").fit == "pad"


@pytest.mark.parametrize(
    ("training", "size"), [({"size": [64, 80]}, (64, 80)), ({"size": None}, S.size), ({}, S.size)]
)
def test_checkpoints_that_name_no_images_are_exported_as_before(
    training: dict[str, Any], size: tuple[int, int]
) -> None:
    choice = choose_frames(make_record("cheapnet-s", training=training), S)
    assert (choice.size, choice.fit, choice.reason) == (size, "refuse", "")


@pytest.mark.parametrize(
    "training",
    [
        {"image_sizes": [64, 64]},
        {"image_sizes": {"smallest": [64, 64]}},
        {"image_sizes": {"smallest": [64, 64], "largest": [64]}},
        {"image_sizes": {"smallest": [64, 64], "largest": "6464"}},
        {"image_sizes": {"smallest": [64, 64.5], "largest": [64, 65]}},
        {"image_sizes": {"smallest": [0, 64], "largest": [64, 64]}},
        {"image_sizes": {"smallest": [True, 64], "largest": [64, 64]}},
        {"size": "64x64"},
        {"size": [None, 64]},
    ],
)
def test_records_that_were_edited_by_hand_are_refused_in_words(training: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="sizes of images") as caught:
        choose_frames(make_record("cheapnet-s", training=training), S)
    assert "checkpoint.json" in caught.value.remedy
