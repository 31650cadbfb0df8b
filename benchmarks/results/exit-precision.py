"""What fp16 and int8 gain and cost in a network with exits: flips of exits and classes, times and layers per stage.

    edgekit export --model dinet --checkpoint runs/dinet/best
    edgekit export --model dinet --checkpoint runs/dinet/best --precision fp16 --out dinet-fp16.edgekit
    edgekit export --model dinet --checkpoint runs/dinet/best --precision int8 --target cpu --out dinet-int8.edgekit
    python benchmarks/results/exit-precision.py dinet.edgekit dinet-fp16.edgekit dinet-int8.edgekit \
        --data DATA --compile --write benchmarks/results/early-exit/precision.json

The first bundle is what the others are held against. Every image runs through every exit of each. Times are those of
full batches by ONNX Runtime, all bundles in turn; with --compile TensorRT-RTX compiles every stage, which says nothing
of Jetson and nothing of speed.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.data import Dataset, OpenOptions
from edgekit.data.contract import Subset
from edgekit.data.splitting.parts import open_part
from edgekit.evaluation.targets import open_target
from edgekit_benchmarks.early_exit_tables import show_ratio
from edgekit_benchmarks.flips import ExitRows, Flips, count_flips
from edgekit_benchmarks.interleaving import Schedule, measure_interleaved
from edgekit_benchmarks.loop_times import LoopTimes, TimedLoop
from edgekit_benchmarks.ratios import Ratio, measure_ratio
from edgekit_benchmarks.sampling import Call
from edgekit_export.compiling import CompileCheck, compile_stages, make_check
from edgekit_export.compiling.table import describe_precisions, describe_roles, name_check
from edgekit_runtime import Bundle, Detector
from edgekit_runtime.backends.tensorrt.profiles import Batches
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.exits import ReplayExits
from edgekit_runtime.frames import prepare_batch
from edgekit_runtime.platforms import describe_platform

BATCHES = Batches(1, 4, 16)
"""Of the engines, as `edgekit export --engine` makes them."""


def read_exits(path: Path, images: Dataset) -> ExitRows:
    """Return what every exit of a bundle says of every image."""
    with open_target(path, device="cpu", backend="onnxruntime", every_exit=True) as opened:
        found = [opened.predict(images.load(index).image) for index in range(len(images))]
    probabilities = [one.exit_probabilities for one in found if one.exit_probabilities is not None]
    return ExitRows(np.stack(probabilities), np.array([one.exit for one in found], np.int64))


def choose_images(bundle: Bundle, data: str, part: str | None, most: int | None) -> Dataset:
    """Return the images of a part, or so many of them, evenly spread."""
    options = OpenOptions(pixels=bundle.manifest.input.pixels)
    chosen = open_part(data, trained_on=bundle.manifest.data, part=part, options=options).dataset
    if not len(chosen):
        raise UsageProblem(f"{data} has no images in this part.", remedy="Name another with --split.")
    count = min(most or len(chosen), len(chosen))
    return Subset(chosen, [number * len(chosen) // count for number in range(count)])


def time_stages(
    bundles: Sequence[Bundle], rows: int, rounds: int, threads: int | None
) -> dict[str, list[LoopTimes]]:
    """Return the times of full batches, round by round, all bundles in turn."""
    found: dict[str, list[LoopTimes]] = {}
    with ExitStack() as stack:
        calls: dict[str, Call] = {}
        for bundle in bundles:
            name = bundle.path.name
            opened = Detector(bundle, device="cpu", backend="onnxruntime", threads=threads)
            calls[name] = make_call(stack.enter_context(opened), rows, found.setdefault(name, []))
            calls[name](0)  # caches, arenas and threads
        for times in found.values():
            times.clear()
        schedule = Schedule(rounds, block=1, settling=0, limit_s=math.inf)
        measure_interleaved(calls, schedule, generator=np.random.default_rng(0))
    return found


def make_call(detector: Detector, rows: int, times: list[LoopTimes]) -> Call:
    """Return a call that runs a full batch of noise through every stage, and appends its times."""
    manifest = detector.manifest
    shape = (rows, *manifest.input.frame_shape)
    noise = np.random.default_rng(0).integers(0, manifest.input.pixels.levels, shape)
    frames = prepare_batch(noise.astype(manifest.input.pixels.frame_type), manifest.input).frames
    loop, policy = TimedLoop(detector.backend, manifest), ReplayExits([len(manifest.stages)] * rows)
    return lambda _: times.append(loop.run(frames, policy))


def compare_times(exact: Sequence[LoopTimes], lowered: Sequence[LoopTimes]) -> dict[str, Ratio]:
    """Return how many times as fast each stage is, and all of them together."""
    parts = {stage: [stage] for stage in exact[0].stages_ms}
    ratios = {}
    for name, stages in {**parts, "all": list(parts)}.items():
        one, other = (
            [(sum(times.stages_ms[key] for key in stages),) for times in side] for side in (exact, lowered)
        )
        ratios[name] = measure_ratio(one, other, np.random.default_rng(0))
    return ratios


def check_compiling(bundle: Bundle) -> CompileCheck:
    """Return what TensorRT-RTX makes of every stage."""
    manifest = bundle.manifest
    pairs = [(stage, bundle.read(stage.file)) for stage in manifest.stages]
    return make_check(compile_stages(pairs, batches=BATCHES if manifest.input.batch is None else None))


def render_flips(name: str, flips: Flips) -> str:
    """Return a line of the table of flips."""
    alone = " / ".join(map(str, flips.at_exit))
    return (
        f"| {name} | {flips.images} | {flips.exits} ({flips.earlier} earlier) | {flips.classes} | {alone} "
        f"| {flips.largest_difference:.1e} |"
    )


def render_times(name: str, times: Sequence[LoopTimes], ratios: Mapping[str, Ratio] | None) -> Iterator[str]:
    """Yield the lines of the table of times."""
    for stage in times[0].stages_ms:
        median = statistics.median(one.stages_ms[stage] for one in times)
        yield f"| {name} | {stage} | {median:,.1f} | {'–' if ratios is None else show_ratio(ratios[stage])} |"
    if ratios is not None:
        yield f"| {name} | all | | {show_ratio(ratios['all'])} |"


def render_compiled(name: str, check: CompileCheck) -> Iterator[str]:
    """Yield the lines of the table of layers."""
    for report in check.stages:
        yield (
            f"| {name} | {report.stage} | {report.nodes} | {report.layers} | {describe_roles(report)} "
            f"| {describe_precisions(report)} | {report.engine_bytes / 1e6:.1f} |"
        )
    for fault in check.faults:
        yield f"| {name} | – | – | – | ✗ {fault} | – | – |"


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure, print, and return the document."""
    bundles = [Bundle.open(path) for path in arguments.bundles]
    names = [bundle.path.name for bundle in bundles]
    if len(set(names)) < len(names):
        raise UsageProblem("Two bundles have the same name.", remedy="Give each file name once.")
    document: dict[str, Any] = {
        "command": shlex.join(["python", "benchmarks/results/exit-precision.py", *sys.argv[1:]]),
        "bundles": {
            bundle.path.name: {"digest": bundle.digest, "precision": bundle.manifest.precision}
            for bundle in bundles
        },
        "platform": describe_platform(),
    }
    if arguments.data:
        images = choose_images(bundles[0], arguments.data, arguments.split, arguments.images)
        rows = {bundle.path.name: read_exits(bundle.path, images) for bundle in bundles}
        flips = {name: count_flips(rows[names[0]], rows[name]) for name in names[1:]}
        print(
            "| bundle | images | exits flipped | classes flipped | at each exit alone | largest difference |"
        )
        print("|---|---:|---:|---:|---:|---:|")
        print("\n".join(render_flips(name, one) for name, one in flips.items()), end="\n\n")
        document["data"] = {"name": images.name, "fingerprint": images.fingerprint()}
        document["flips"] = {name: asdict(one) for name, one in flips.items()}
    times = time_stages(bundles, arguments.rows, arguments.rounds, arguments.threads)
    ratios = {name: compare_times(times[names[0]], times[name]) for name in names[1:]}
    print(f"| bundle | stage | {arguments.rows} rows, ms | times as fast |\n|---|---|---:|---:|")
    for name in names:
        print("\n".join(render_times(name, times[name], ratios.get(name))))
    document["rows"] = arguments.rows
    document["times"] = {name: [asdict(one) for one in many] for name, many in times.items()}
    document["ratios"] = {
        name: {key: asdict(one) for key, one in many.items()} for name, many in ratios.items()
    }
    if arguments.compile:
        document["compiled"] = compile_all(bundles)
    return document


def compile_all(bundles: Sequence[Bundle]) -> dict[str, Any]:
    """Compile every stage of every bundle, print the table, and return it as data."""
    checks = {bundle.path.name: check_compiling(bundle) for bundle in bundles}
    print(f"\n{name_check(next(iter(checks.values())))}\n")
    print(
        "| bundle | stage | nodes | layers | of these | precision of its nodes | MB |\n|---|---|---:|---:|---|---|---:|"
    )
    for name, check in checks.items():
        print("\n".join(render_compiled(name, check)))
    return {name: asdict(check) for name, check in checks.items()}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundles", nargs="+", type=Path, help="the exact one first")
    parser.add_argument("--data", help="images on which flips are counted; without them only times are taken")
    parser.add_argument("--split", choices=["train", "val", "test", "all"])
    parser.add_argument("--images", type=int, help="so many of them at most, evenly spread")
    parser.add_argument("--rows", type=int, default=14)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    document = measure(arguments)
    if arguments.write:
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        arguments.write.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
