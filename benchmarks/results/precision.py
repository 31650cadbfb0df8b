"""What fp16 and int8 gain and cost on a CPU, by ONNX Runtime: accuracy on a test part, times in turn.

    python benchmarks/results/precision.py --model cheapnet-s --data synthetic:dagm/6 --write cheapnet-s.json
    python benchmarks/results/precision.py --model unet-32 --checkpoint runs/mine/best --data ../shared/data/neu-seg

Every form is a bundle of its own, exported and judged as `edgekit export` does: fp32 as traced, fp32 in the sub-pixel
form, fp16, int8 with every layer in it, and int8 with what --max-drop 0.5 leaves. Accuracy is that of the whole test
part. Times are those of all graphs in turn, with every core and ONNX Runtime's own defaults.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.benching.precision_speed import make_chain
from edgekit.bundling import Lowering, export_model
from edgekit.data.splitting.parts import open_part
from edgekit.data.views import view_for
from edgekit.evaluation.evaluate import evaluate as measure_target
from edgekit.evaluation.targets import open_target
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit_benchmarks.interleaving import measure_interleaved, plan_rounds
from edgekit_benchmarks.ratios import measure_ratio
from edgekit_benchmarks.sampling import warm_up
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import GateFailed
from edgekit_runtime.platforms import describe_platform

EVERY_LAYER = 100.0
SUBPIXEL = "any, with --rewrite subpixel"
FORMS: dict[str, tuple[str, Lowering]] = {
    "fp32": ("any", Lowering()),
    "fp32, sub-pixel": (SUBPIXEL, Lowering()),
    "fp16": ("any", Lowering("fp16", max_drop=EVERY_LAYER)),
    "int8, target any": ("any", Lowering("int8", max_drop=EVERY_LAYER)),
    "int8": ("cpu", Lowering("int8", max_drop=EVERY_LAYER)),
    "int8, entropy": ("cpu", Lowering("int8", method="entropy", max_drop=EVERY_LAYER)),
    "int8, max": ("cpu", Lowering("int8", method="max", max_drop=EVERY_LAYER)),
    "int8, 0.5 points": ("cpu", Lowering("int8", max_drop=0.5)),
}
"""Form → target and how it is lowered."""


def main() -> None:
    """Export, evaluate, time, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--untrained", action="store_true")
    parser.add_argument("--data", help="evaluated on its test part; without it only times are taken")
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument(
        "--size", type=int, help="height and width; by default those of the model or its training"
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="of timing")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundles, refused = export_forms(arguments, Path(folder))
        document: dict[str, Any] = {
            "command": shlex.join(["python", "benchmarks/results/precision.py", *sys.argv[1:]]),
            "model": arguments.model,
            "forms": {name: describe(path, arguments.data) for name, path in bundles.items()},
            "refused": refused,
            "platform": describe_platform(),
        }
        times = time_forms({name: Bundle.open(path) for name, path in bundles.items()}, arguments.seconds)
    for name, figures in times.items():
        document["forms"][name].update(figures)
    for name, row in document["forms"].items():
        print(name, json.dumps({key: value for key, value in row.items() if key != "layers"}))
    for name, reason in refused.items():
        print(name, reason)
    if arguments.write:
        arguments.write.write_text(json.dumps(document, indent=1) + "\n")


def export_forms(arguments: argparse.Namespace, folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the bundle of each form, and why others could not be had."""
    bundles, refused = {}, {}
    for name in arguments.forms:
        target, lowering = FORMS[name]
        path = folder / f"{len(bundles)}.edgekit"
        try:
            export_model(
                MODELS.get(arguments.model),
                path,
                checkpoint=arguments.checkpoint,
                untrained=arguments.untrained,
                size=None if arguments.size is None else (arguments.size, arguments.size),
                batch=1,
                lowering=calibrated(lowering, arguments),
                target=target.partition(",")[0],
                rewrites=frozenset({"subpixel"} if target == SUBPIXEL else ()),
                reporter=Reporter(),
            )
        except GateFailed as error:
            refused[name] = error.message
            continue
        bundles[name] = path
    return bundles, refused


def calibrated(lowering: Lowering, arguments: argparse.Namespace) -> Lowering:
    """Return the lowering with generated images where weights have seen none."""
    if lowering.precision != "int8" or not arguments.untrained:
        return lowering
    return Lowering("int8", "synthetic:dagm/6", lowering.method, lowering.max_drop)


def describe(path: Path, data: str | None) -> dict[str, Any]:
    """Return what a bundle is, and how accurate on the test part."""
    manifest = Bundle.open(path).manifest
    layers = () if manifest.lowering is None else manifest.lowering.layers
    row: dict[str, Any] = {
        "digest": Bundle.open(path).digest,
        "weight_bytes": sum(stage.weight_bytes for stage in manifest.stages),
        "int8_layers": sum(layer.precision == "int8" for layer in layers),
        "layers": {layer.name: [layer.precision, layer.sqnr_db] for layer in layers},
        "flips": [check.detail for check in manifest.parity if "flips" in check.name],
    }
    if data is None:
        return row
    with open_target(path, backend="onnxruntime") as opened:
        view = partial(view_for, task=opened.task, classes=len(opened.classes))
        part = open_part(data, trained_on=opened.data, part=None, view=view)
        metrics = measure_target(opened, part.dataset, reporter=Reporter()).to_dict()
    kept = {key: metrics[key] for key in ("miou", "dice", "macc", "accuracy") if key in metrics}
    return {**row, "part": part.part, "images": len(part.dataset), **kept}


def time_forms(bundles: dict[str, Bundle], seconds: float) -> dict[str, dict[str, Any]]:
    """Return the median of each form, and how many times faster than the faster one in fp32 it is."""
    calls = {}
    for name, bundle in bundles.items():
        manifest = bundle.manifest
        frame = bundle.read_array(manifest.golden[0].frame)
        scalars = {item.name: np.array(item.default, np.float32) for item in manifest.thresholds}
        inputs = {manifest.input.name: frame[np.newaxis], **scalars}
        calls[name] = make_chain([bundle.read(stage.file) for stage in manifest.stages], inputs)
    slowest_s = max(warm_up(call, limit_s=3.0).typical_s for call in calls.values())
    generator = np.random.default_rng(0)
    schedule = plan_rounds(200, slowest_s=slowest_s, limit_s=seconds)
    rounds = measure_interleaved(calls, schedule, generator=generator)
    medians = {name: float(np.median(np.concatenate(blocks))) for name, blocks in rounds.items()}
    base = min((name for name in medians if name.startswith("fp32")), key=medians.__getitem__)
    figures = {}
    for name, blocks in rounds.items():
        ratio = measure_ratio(rounds[base], blocks, generator)
        figures[name] = {
            "median_ms": round(medians[name], 3),
            "faster_than": base,
            "ratio": [round(value, 3) for value in (ratio.median, ratio.low, ratio.high)],
        }
    return figures


if __name__ == "__main__":
    main()
