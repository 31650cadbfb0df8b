"""From what the stages answered to results: masks to regions, probabilities to classes, each with its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from edgekit_runtime.bundle import Manifest
from edgekit_runtime.errors import ArtefactRefused
from edgekit_runtime.execution import BatchAnswer
from edgekit_runtime.frames import plan_grid
from edgekit_runtime.padding import crop_back
from edgekit_runtime.quotas import Quotas, leave_out_small, make_quotas
from edgekit_runtime.regions import Rows, find_regions, name_regions
from edgekit_runtime.results import Mask, Region, Result
from edgekit_runtime.verdicts import judge_probabilities, judge_regions


def take_masks(answer: BatchAnswer, manifest: Manifest, sizes: Sequence[tuple[int, int]]) -> tuple[Mask, ...]:
    """Return the masks that a bundle that segments has answered, each of its frame's own size.

    Args:
        answer: Of the stages, with masks of the graph's size: those of the frames, or of all their tiles.
        manifest: The bundle's.
        sizes: (height, width) of every frame before it was padded or cut.

    Returns:
        uint8 (height, width) each, contiguous and read-only; only masks that were cropped or joined are copies.
    """
    name = manifest.mask_output
    assert name is not None  # a bundle that segments without exactly one mask does not open
    if manifest.input.fit == "tile":
        found = _join_tiles(answer.outputs[name], manifest, sizes)
    else:
        found = (crop_back(padded, *size) for padded, size in zip(answer.outputs[name], sizes, strict=True))
    masks = []
    for part in found:
        mask: Mask = np.ascontiguousarray(part)
        mask.flags.writeable = False
        masks.append(mask)
    return tuple(masks)


def _join_tiles(tiles: Mask, manifest: Manifest, sizes: Sequence[tuple[int, int]]) -> Iterator[Mask]:
    first = 0
    for size in sizes:
        grid = plan_grid(size, manifest.input)
        yield grid.join(tiles[first : first + len(grid)])
        first += len(grid)


def find_defects(
    mask: Mask, manifest: Manifest, *, connectivity: int, min_area_px: int
) -> tuple[Region, ...]:
    """Return the regions of a bundle's mask with the names of its classes and their scale.

    Args:
        mask: uint8 (H, W).
        manifest: The bundle's.
        connectivity: 8 or 4.
        min_area_px: Regions with fewer pixels are left out, whatever their class.

    Raises:
        ArtefactRefused: If the mask holds a class that the bundle does not have.
    """
    rows = find_regions(mask, connectivity=connectivity, min_area_px=min_area_px)
    check_classes(rows, manifest.model.classes)
    return name_regions(rows, manifest.model.classes, mm_per_pixel=manifest.input.mm_per_pixel)


def check_classes(rows: Rows, classes: Sequence[str]) -> None:
    """Raise ArtefactRefused if regions of a bundle's mask are of a class that the bundle does not have."""
    if len(rows) and int(rows[:, 5].max()) >= len(classes):
        raise ArtefactRefused(
            f"The mask holds class {int(rows[:, 5].max())}; the bundle has {len(classes)} classes."
        )


def make_mask_results(
    masks: Sequence[Mask],
    regions: Sequence[tuple[Region, ...]],
    manifest: Manifest,
    *,
    backend: str,
    latency_ms: float,
    quotas: Quotas | None = None,
) -> tuple[Result, ...]:
    """Return one result per mask, with the regions that count.

    Args:
        masks: As `take_masks` gives them, with the zones of the rules blanked.
        regions: Those of each mask.
        manifest: The bundle's.
        backend: Which backend answered.
        quotas: What the verdict follows; the bundle's own rules where omitted.
        latency_ms: Wall time of the call.
    """
    make = _start_result(manifest, backend, latency_ms)
    if quotas is None:
        quotas = make_quotas(manifest.rules, manifest.model.classes, manifest.input.mm_per_pixel)
    results = []
    for mask, found in zip(masks, regions, strict=True):
        counted = leave_out_small(found, quotas)
        judgement = judge_regions(counted, quotas)
        results.append(
            make(
                verdict=judgement.verdict,
                reason=judgement.reason,
                label=judgement.label,
                mask=mask,
                regions=counted,
            )
        )
    return tuple(results)


def make_class_results(
    answer: BatchAnswer, manifest: Manifest, *, backend: str, latency_ms: float
) -> tuple[Result, ...]:
    """Return one result per frame of a bundle that classifies; arguments as for `make_mask_results`."""
    assert answer.probabilities is not None
    assert answer.exits is not None
    assert answer.low_confidence is not None
    classes = manifest.model.classes
    make = _start_result(manifest, backend, latency_ms)
    results = []
    for row, number, low in zip(
        answer.probabilities, answer.exits.tolist(), answer.low_confidence.tolist(), strict=True
    ):
        judgement = judge_probabilities(
            row, classes, normal_class=manifest.model.normal_class, low_confidence=low
        )
        results.append(
            make(
                verdict=judgement.verdict,
                reason=judgement.reason,
                label=judgement.label,
                probabilities=dict(zip(classes, row.tolist(), strict=True)),
                exit=number,
                low_confidence=low,
            )
        )
    return tuple(results)


def _start_result(manifest: Manifest, backend: str, latency_ms: float) -> partial[Result]:
    """Return a Result that lacks its answer alone: what all frames of a call share is filled in."""
    return partial(
        Result,
        task=manifest.model.task,
        backend=backend,
        precision=manifest.precision,
        latency_ms=latency_ms,
        provenance=manifest.provenance.kind,
    )
