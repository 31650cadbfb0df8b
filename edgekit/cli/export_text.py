"""What `edgekit export` says about the bundle that it wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.reporting import Reporter
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.pixels import widen

if TYPE_CHECKING:
    from edgekit.benching.precision_speed import PrecisionSpeed
    from edgekit_export import ExportReport


def measure_speed(report: ExportReport, bundle: Bundle, reporter: Reporter) -> PrecisionSpeed:
    """Time the graphs against the same network in fp32, on this CPU and a golden frame."""
    from edgekit.benching.precision_speed import compare_precisions

    manifest = bundle.manifest
    reporter.note(f"timing {manifest.precision} against fp32 on this CPU")
    frame = widen(bundle.read_array(manifest.golden[0].frame), manifest.input.pixels)
    batch = np.repeat(frame[np.newaxis], manifest.input.batch or 1, axis=0)
    thresholds = {item.name: np.array(item.default, np.float32) for item in manifest.thresholds}
    graphs = [bundle.read(stage.file) for stage in manifest.stages]
    return compare_precisions(report.fp32_graphs, graphs, {manifest.input.name: batch, **thresholds})


def render_tables(report: ExportReport) -> Iterator[str]:
    """Yield the tables that people read: parity, layers, engines."""
    from edgekit_export import render_parity
    from edgekit_export.compiling.table import render_check
    from edgekit_export.precision.layer_table import render_layers

    if report.lowering is not None and report.lowering.layers:
        yield render_layers(report.lowering.layers)
    yield render_parity(report.checks)
    if report.compiled is not None:
        yield render_check(report.compiled)


def describe_export(report: ExportReport, bundle: Bundle, speed: PrecisionSpeed | None) -> dict[str, Any]:
    """Return the document of --json."""
    manifest = bundle.manifest
    lowering = manifest.lowering
    return {
        "schema": "edgekit.export/1",
        "bundle": str(report.path),
        "digest": report.digest,
        "precision": manifest.precision,
        "parity": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in report.checks],
        "layers": [asdict(layer) for layer in (() if lowering is None else lowering.layers)],
        "calibration": None
        if lowering is None or lowering.calibration is None
        else asdict(lowering.calibration),
        "metric": None if report.loss is None else {**asdict(report.loss), "drop": report.loss.drop},
        "engines": [
            {
                "stage": stage.name,
                "file": engine.file,
                "builder": engine.builder,
                "targets": list(engine.targets),
            }
            for stage in manifest.stages
            for engine in stage.engines
        ],
        "cpu_speed": None
        if speed is None
        else {
            "backend": "onnxruntime",
            "fp32_ms": speed.fp32_ms,
            "lowered_ms": speed.lowered_ms,
            "ratio": {"median": speed.ratio.median, "low": speed.ratio.low, "high": speed.ratio.high},
        },
    }
