"""Which frames a bundle takes: the size of its graph, and what it does with smaller ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit.checkpoints.format import Checkpoint
from edgekit.models import ModelSpec
from edgekit_runtime.bundle.contract import Fit
from edgekit_runtime.errors import CheckpointError
from edgekit_runtime.padding import padded_size

Size = tuple[int, int]
"""(height, width) in pixels."""

_TAKEN: Mapping[Fit, str] = {
    "refuse": "{}x{} alone",
    "pad": "up to {}x{} and pads smaller ones",
    "tile": "any size and cuts them into tiles of {}x{}",
}


@dataclass(frozen=True)
class FrameChoice:
    """Which frames a bundle will take.

    Attributes:
        size: Of the graph.
        fit: "refuse" takes frames of the size alone, "pad" smaller ones too, "tile" any, cut into tiles of the size.
        reason: Why, in a sentence for people; "" where there was nothing to decide by.
    """

    size: Size
    fit: Fit
    reason: str


@dataclass(frozen=True)
class _Sizes:
    """Least and largest height and width of the images of a training; no image need have both."""

    smallest: Size
    largest: Size


def choose_frames(
    record: Checkpoint, spec: ModelSpec, *, size: Size | None = None, fit: Fit | None = None
) -> FrameChoice:
    """Return which frames the bundle of a checkpoint takes.

    Without `size` it is the least that holds every image of the training, else the model's default. Without `fit`
    smaller frames are padded where images were padded in training or were smaller than the bundle's frames; they are
    refused where there were none, and where the weights are not the user's own training.

    Args:
        record: Of the weights.
        spec: The model.
        size: As the user wants it.
        fit: As the user wants it.

    Raises:
        CheckpointError: If the checkpoint does not name the sizes of its images as training writes them.
    """
    sizes = _read_sizes(record)
    chosen = size or _find_default_size(record, sizes, spec)
    if fit is not None:
        return FrameChoice(chosen, fit, _explain(chosen, fit, "as --fit says"))
    if record.provenance != "trained" or sizes is None:
        return FrameChoice(chosen, "refuse", "")
    if _were_exact(sizes, chosen, spec.multiple):
        known = "no image of the training was padded or smaller"
        return FrameChoice(chosen, "refuse", _explain(chosen, "refuse", known))
    return FrameChoice(
        chosen, "pad", _explain(chosen, "pad", f"the training's images had {_describe(sizes)}")
    )


def _find_default_size(record: Checkpoint, sizes: _Sizes | None, spec: ModelSpec) -> Size:
    if sizes is not None:
        return padded_size(*sizes.largest, spec.multiple)
    common = (record.training or {}).get("size")  # all that checkpoints before `image_sizes` name
    return spec.size if common is None else _read_size(common)


def _were_exact(sizes: _Sizes, size: Size, multiple: int) -> bool:
    one_size = sizes.smallest == sizes.largest == padded_size(*sizes.largest, multiple)
    return one_size and sizes.largest[0] >= size[0] and sizes.largest[1] >= size[1]


def _explain(size: Size, fit: Fit, why: str) -> str:
    return f"The bundle takes frames of {_TAKEN[fit].format(*size)} (fit {fit}): {why}."


def _describe(sizes: _Sizes) -> str:
    smallest, largest = ("x".join(map(str, size)) for size in (sizes.smallest, sizes.largest))
    return smallest if smallest == largest else f"{smallest} to {largest}"


def _read_sizes(record: Checkpoint) -> _Sizes | None:
    noted = (record.training or {}).get("image_sizes")
    if noted is None:
        return None
    if not isinstance(noted, dict) or noted.keys() != {"smallest", "largest"}:
        raise _unreadable(noted)
    return _Sizes(_read_size(noted["smallest"]), _read_size(noted["largest"]))


def _read_size(value: object) -> Size:
    if not isinstance(value, list) or len(value) != 2:
        raise _unreadable(value)
    height, width = value
    if type(height) is not int or type(width) is not int or min(height, width) < 1:
        raise _unreadable(value)
    return height, width


def _unreadable(value: object) -> CheckpointError:
    return CheckpointError(
        f"The checkpoint's sizes of images must be [height, width] in pixels; got {value!r}.",
        remedy="Take checkpoint.json as training wrote it.",
    )
