"""What early exit saves on this machine: a staged bundle against a plain one, exits replayed, all in turn in one run.

    edgekit export --model dinet --untrained
    edgekit export --model resnet50 --untrained
    edgekit export --model mobile-di --untrained --size 224x224
    python benchmarks/results/early-exit.py dinet.edgekit resnet50.edgekit --small mobile-di.edgekit \
        --write benchmarks/results/early-exit/2-cores.json

Where rows leave decides on the time, and random weights leave at random: exits are drawn by the shares of the paper's
Table 3 (normal cloth, and its test mix) and replayed. Every round gives each contestant the same batch of generated
cloth, in an order drawn anew; what is told are medians of ratios within rounds. Answers are compared first.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from edgekit.data.fabric import FabricWeb
from edgekit.line.cloth import weave_strips
from edgekit_benchmarks.early_exit import (
    AskConditional,
    AskJoined,
    Frames,
    LoopCost,
    Sides,
    Task,
    check_sides,
    measure_loop,
    measure_sides,
)
from edgekit_benchmarks.early_exit_tables import render_gated, render_loop, render_others, render_stages
from edgekit_benchmarks.exit_shares import SHARES, draw_exits, mean_macs
from edgekit_benchmarks.machine import describe_environment, read_load
from edgekit_export.conditional import EXIT, PROBABILITIES, THRESHOLDS, build_conditional
from edgekit_export.joining import join_stages
from edgekit_runtime import Bundle, Detector
from edgekit_runtime.bundle import Manifest

PAPER = {"normal": 1.25, "mix": 1.18}
"""Speed-up over ResNet-50 by the paper's Tables 2 and 3, about 20 ms of reading and copying per frame included."""

BATCHES = 3
"""Different batches of frames."""

LOOPS, SMALL_LOOPS = 5, 300
"""Batches that the loop's own cost is taken from, and single frames of the small network."""


def weave_batches(manifest: Manifest, rows: int, count: int = BATCHES) -> list[Frames]:
    """Return batches of generated cloth as the bundle takes frames."""
    web = FabricWeb(manifest.input.width * rows, seed=0, defects_per_metre=2.0)
    strips = weave_strips(web, manifest.input.height, manifest.input.pixels)
    return [np.stack(np.split(next(strips), rows, axis=1)) for _ in range(count)]


def open_session(data: bytes, threads: int | None) -> Any:
    """Return a session of ONNX Runtime with the settings of the backend."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def open_conditional(bundle: Bundle, threads: int | None) -> AskConditional:
    """Return a call of the bundle's stages in one graph that stops by `If`."""
    session, frame_name = open_session(build_conditional(bundle), threads), bundle.manifest.input.name
    never, always = 2.0, 0.0

    def ask(frame: Frames, leave: int) -> tuple[int, Any]:
        thresholds = np.full(len(bundle.manifest.stages) - 1, never, np.float32)
        thresholds[leave - 1 :] = always
        feeds = {frame_name: frame[np.newaxis], THRESHOLDS: thresholds}
        left, probabilities = session.run([EXIT, PROBABILITIES], feeds)
        return int(left[0]), probabilities[0]

    return ask


def open_joined(bundle: Bundle, threads: int | None) -> AskJoined:
    """Return a call of the bundle's stages in one graph that runs all of them."""
    session, name = open_session(join_stages(bundle), threads), bundle.manifest.input.name

    def ask(frames: Frames) -> Sequence[Any]:
        answers: Sequence[Any] = session.run(None, {name: frames})
        return answers

    return ask


def open_detector(stack: ExitStack, bundle: Bundle, threads: int | None) -> Detector:
    """Return a detector that is closed with the stack."""
    return stack.enter_context(Detector(bundle, device="cpu", backend="onnxruntime", threads=threads))


def measure_small(path: Path, threads: int | None, calls: int) -> LoopCost:
    """Return the loop's cost for single frames of a small network, where it weighs most."""
    with ExitStack() as stack:
        detector = open_detector(stack, Bundle.open(path), threads)
        exits = draw_exits(SHARES["mix"], calls, 1, np.random.default_rng(2))
        return measure_loop(detector, weave_batches(detector.manifest, 1), exits)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure everything, print the tables, and return the document without its environment."""
    rows, rounds, threads = arguments.rows, arguments.rounds, arguments.threads
    staged, plain = Bundle.open(arguments.staged), Bundle.open(arguments.plain)
    exits = {
        kind: draw_exits(shares, rounds, rows, np.random.default_rng(0)) for kind, shares in SHARES.items()
    }
    task = Task(weave_batches(staged.manifest, rows), exits, apart="mix")
    with ExitStack() as stack:
        sides = Sides(
            open_detector(stack, staged, threads),
            open_detector(stack, plain, threads),
            open_conditional(staged, threads),
            open_joined(staged, threads),
        )
        check_sides(sides, task.batches[0][:2])
        measured = measure_sides(sides, task, rounds, np.random.default_rng(1))
        loops = draw_exits(SHARES["mix"], 1 if arguments.quick else LOOPS, rows, np.random.default_rng(3))
        costs = [measure_loop(sides.staged, task.batches, loops)]
    if arguments.small:
        costs.append(measure_small(arguments.small, threads, 20 if arguments.quick else SMALL_LOOPS))
    macs, plain_macs = [stage.macs for stage in staged.manifest.stages], count_macs(plain)
    by_macs = {kind: plain_macs / mean_macs(shares, macs) for kind, shares in SHARES.items()}
    tables = (
        render_stages(measured, macs, plain_macs),
        render_gated(measured, by_macs, PAPER),
        render_others(measured, task.apart),
        render_loop(costs),
    )
    print("\n\n".join(tables))
    return {
        "schema": "edgekit.early-exit/1",
        "staged": describe(staged),
        "plain": describe(plain),
        "rows": rows,
        "shares": SHARES,
        "exits": {kind: array.tolist() for kind, array in exits.items()},
        "by_macs": by_macs,
        "paper": PAPER,
        "measured": asdict(measured),
        "loops": [asdict(cost) for cost in costs],
    }


def describe(bundle: Bundle) -> dict[str, Any]:
    """Return what a bundle is."""
    manifest = bundle.manifest
    return {
        "bundle": manifest.name,
        "digest": bundle.digest,
        "provenance": manifest.provenance.kind,
        "precision": manifest.precision,
        "size": [manifest.input.height, manifest.input.width],
        "macs": [stage.macs for stage in manifest.stages],
    }


def count_macs(bundle: Bundle) -> int:
    """Return the multiply-accumulates of a frame that runs through everything."""
    return sum(stage.macs for stage in bundle.manifest.stages)


def parse_arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """Return what was typed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("staged", type=Path, help="a bundle with exits")
    parser.add_argument("plain", type=Path, help="one without, for frames of the same size")
    parser.add_argument("--small", type=Path, help="one with exits whose loop is measured frame by frame")
    parser.add_argument("--rows", type=int, default=14, help="of a batch; DI-Net's two cameras give 14 tiles")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true", help="two rounds: does it work?")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args(words)
    if arguments.quick:
        arguments.rounds = 2
    return arguments


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    arguments = parse_arguments(words)
    load = read_load()
    document = measure(arguments)
    environment = describe_environment(
        taken=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        command=" ".join(["python", os.path.relpath(__file__), *(words or sys.argv[1:])]),
        threads=arguments.threads,
        profile="early-exit",
        rate_hz=None,
        load_before=load,
        roofline=None,
    )
    if arguments.write:
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**document, "environment": asdict(environment)}, indent=1)
        arguments.write.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
