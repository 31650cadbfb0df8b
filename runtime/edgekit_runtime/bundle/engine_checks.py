"""Rules for engines: what a machine may believe before it hands one to a device.

An engine is code. Nothing here makes one trustworthy: its bytes are vouched for by the manifest like any file's, and a
manifest by whoever signed it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain, pairwise

from edgekit_runtime.bundle.manifest import EngineInfo, Manifest

MAX_ENGINE_BATCH = 1 << 12
"""`checks.MAX_BATCH`: buffers are allocated from it."""

_CAPABILITIES = range(50, 1000)
"""SM 5.0 is older than any TensorRT that is left, and SM 99.9 is far off."""

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}", re.ASCII)


def find_engine_faults(manifest: Manifest) -> Iterator[str]:
    """Yield what is wrong with the engines of a manifest's stages."""
    uses = Counter(_list_uses(manifest))
    for stage in manifest.stages:
        builders = Counter(engine.builder for engine in stage.engines)
        for builder, count in builders.items():
            if count > 1:
                yield f"stage {stage.name!r} has {count} engines of {builder}, one is allowed"
        for engine in stage.engines:
            title = f"the {engine.builder} engine of stage {stage.name!r}"
            faults = chain(_find_file_faults(engine, manifest, uses), _find_value_faults(engine, manifest))
            yield from (f"{title} {fault}" for fault in faults)


def _list_uses(manifest: Manifest) -> Iterator[str]:
    """Yield a file's name once for each entry that names it."""
    for stage in manifest.stages:
        yield stage.file
        if stage.program is not None:
            yield stage.program.weights
        yield from (engine.file for engine in stage.engines)
    for sample in manifest.golden:
        yield from (sample.frame, *sample.outputs.values())


def _find_file_faults(engine: EngineInfo, manifest: Manifest, uses: Counter[str]) -> Iterator[str]:
    title = f"the file {engine.file[:100]!r}"
    info = manifest.files.get(engine.file)
    if info is None:
        yield f"names {title}, which is not among the bundle's files"
    elif info.size_bytes == 0:
        yield f"names {title}, which is empty"
    # What is read as a graph or an image must never be bytes that a device runs.
    if uses[engine.file] > 1:
        yield f"names {title}, which is something else too"


def _find_value_faults(engine: EngineInfo, manifest: Manifest) -> Iterator[str]:
    if not _VERSION.fullmatch(engine.version):
        yield f"has the version {engine.version[:64]!r}, which must be up to 64 letters, digits and '.+_-'"
    targets = engine.targets
    if not targets or any(first >= second for first, second in pairwise(targets)):
        yield f"has the targets {list(targets[:16])}, which must be one or more, rising"
    for target in targets:
        if target not in _CAPABILITIES:
            yield f"has the target {target}; compute capabilities are {_CAPABILITIES[0]} to {_CAPABILITIES[-1]}"
    batches = (engine.min_batch, engine.tuned_batch, engine.max_batch)
    if not 1 <= batches[0] <= batches[1] <= batches[2] <= MAX_ENGINE_BATCH:
        yield f"takes the batches {batches}, which must rise from 1 to at most {MAX_ENGINE_BATCH}"
    fixed = manifest.input.batch
    if fixed is not None and batches != (fixed,) * 3:
        yield f"takes the batches {batches}, and the bundle's is {fixed}"
