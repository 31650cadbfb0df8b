"""Engines as a bundle holds them: every stage has one, and the manifest's rules admit them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgekit_export.compiling import add_engines
from edgekit_export.compiling.engines import DEFAULT_BATCHES
from edgekit_runtime.bundle import FileInfo, Manifest
from edgekit_runtime.bundle.engine_checks import find_engine_faults
from edgekit_runtime.errors import UsageProblem
from tests.export.compiling.single_nodes import Trial, write_trial

pytest.importorskip("tensorrt_rtx", reason="compiling needs TensorRT-RTX (edgekit[tensorrt-rtx])")

CONV = Trial("Conv", 4, 4, 3)


@pytest.mark.parametrize(
    ("batch", "taken"),
    [(2, (2, 2, 2)), ("N", (DEFAULT_BATCHES.smallest, DEFAULT_BATCHES.tuned, DEFAULT_BATCHES.largest))],
)
def test_every_stage_gets_an_engine_that_the_manifest_admits(segment_manifest: Manifest, batch, taken):
    pairs = [write_trial(CONV, "fp32", batch), write_trial(CONV, "int8", batch)]
    stages = [replace(info, name=name) for name, (info, _) in zip(("first", "second"), pairs, strict=True)]
    engines = add_engines(stages, [graph for _, graph in pairs], targets=[86, 120])
    assert list(engines.files) == ["first.rtx.engine", "second.rtx.engine"]
    assert len(set(engines.files.values())) == 2
    for stage, report in zip(engines.stages, engines.check.stages, strict=True):
        (info,) = stage.engines
        assert (info.min_batch, info.tuned_batch, info.max_batch) == taken
        assert info.targets == (86, 120)
        assert report.engine_bytes == len(engines.files[info.file])
    files = {name: FileInfo("00" * 32, len(content)) for name, content in engines.files.items()}
    contract = replace(segment_manifest.input, batch=None if batch == "N" else batch)
    manifest = replace(segment_manifest, stages=engines.stages, input=contract, files=files)
    assert list(find_engine_faults(manifest)) == []


def test_a_target_that_the_compiler_refuses_is_named():
    info, graph = write_trial(CONV, "fp32")
    with pytest.raises(UsageProblem, match="SM 90"):
        add_engines([info], [graph], targets=[90])
