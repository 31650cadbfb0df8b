"""Rules for how a bundle says that it came to its precision."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit_runtime.bundle.manifest import Manifest


def find_lowering_faults(manifest: Manifest) -> Iterator[str]:
    """Yield what contradicts itself in the manifest's `lowering`; a bundle below fp32 may do without one."""
    lowering = manifest.lowering
    if lowering is None:
        return
    if manifest.precision not in ("fp16", "int8"):
        yield f"it says how it was lowered, and its precision is {manifest.precision}"
    stages = {stage.name for stage in manifest.stages}
    seen = set()
    for layer in lowering.layers:
        if layer.stage not in stages:
            yield f"the lowered layer {layer.name[:64]!r} belongs to no stage"
        if (layer.stage, layer.name) in seen:
            yield f"the lowered layer {layer.name[:64]!r} is there twice"
        seen.add((layer.stage, layer.name))
    if lowering.calibration is not None and lowering.calibration.images < 1:
        yield f"it was calibrated on {lowering.calibration.images} images"
