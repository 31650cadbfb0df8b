"""The paper's line on this machine: 14 tiles of 512 × 512 per strip, at full speed and at a line's pace.

    python benchmarks/results/line.py cheapnet-s.edgekit cheapnet-m.edgekit --write benchmarks/results/line/2-cores.json

Two cameras of 4,096 px, the two outer tiles left out (DI-Net's case): strips of 512 × 8,192 generated cloth, made
beforehand and then given again and again. Each bundle runs `--rounds` times, the bundles in turn: strips to verdicts by
`run_line`, with records and without a pace. What is printed and written: tiles per busy second (FPS), and DS in
m/min = FPS / 14 · 0.1625 · 60, the median of the rounds and their range; then one round at `--speed` m/min with its
latency from the capture of a part's last row to its verdict.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.data.fabric import FabricWeb
from edgekit_benchmarks.machine import describe_environment, read_load
from edgekit_runtime.line import LineSettings, PacedStrips, run_line, seconds_per_row

WIDTH, ROWS, STRIP_M = 8192, 512, 0.1625
MM_PER_PIXEL = 1000 * STRIP_M / ROWS
CLOTH = 8
"""Different strips; more of them would no longer be in the way of anybody's cache."""

Strips = list[npt.NDArray[np.uint8]]


def make_strips() -> Strips:
    """Return strips of cloth, uint8 (512, 8192)."""
    web = FabricWeb(WIDTH, seed=0, defects_per_metre=2.0)
    return [web.rows(index * ROWS, (index + 1) * ROWS)[0] for index in range(CLOTH)]


def repeat(strips: Strips, count: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield so many strips, the same ones over and over."""
    return itertools.islice(itertools.cycle(strips), count)


def run_round(bundle: Path, strips: Strips, count: int, *, speed: float | None = None) -> dict[str, Any]:
    """Return the summary of one line."""
    settings = LineSettings(
        part_rows=ROWS, width=WIDTH, drop_left=1, drop_right=1, mm_per_pixel=MM_PER_PIXEL, waiting=4
    )
    source: Any = repeat(strips, count)
    if speed is not None:
        row_s = seconds_per_row(speed, MM_PER_PIXEL)
        source, settings = PacedStrips(source, row_s), replace(settings, deadline_s=ROWS * row_s)
    with tempfile.TemporaryDirectory() as folder:
        return run_line(bundle, source, replace(settings, records=folder), on_part=lambda _: None).to_dict()


def measure(bundles: list[Path], *, strips: int, rounds: int, speed: float) -> list[dict[str, Any]]:
    """Return one entry per bundle."""
    cloth = make_strips()
    found: dict[Path, list[dict[str, Any]]] = {bundle: [] for bundle in bundles}
    for bundle in bundles:
        run_round(bundle, cloth, CLOTH)  # kernels and caches
    for _ in range(rounds):
        for bundle in bundles:
            found[bundle].append(run_round(bundle, cloth, strips))
    return [
        {
            "bundle": bundle.name,
            "strips": strips,
            "rounds": found[bundle],
            "paced": run_round(bundle, cloth, strips, speed=speed),
            "pace_m_per_min": speed,
        }
        for bundle in bundles
    ]


def describe(entry: dict[str, Any]) -> str:
    """Return one row of the table in benchmarks/results/README.md."""
    rates = [one["tiles_per_s"] for one in entry["rounds"]]
    speeds = [one["greatest_speed_m_per_min"] for one in entry["rounds"]]
    paced = entry["paced"]
    return (
        f"| `{entry['bundle'].removesuffix('.edgekit')}` "
        f"| {statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f}) "
        f"| {statistics.median(speeds):,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f}) "
        f"| {paced['latency_p50_ms']:.1f} / {paced['latency_p99_ms']:.1f} / {paced['latency_max_ms']:.1f} "
        f"| {paced['late']} of {paced['parts']} | {paced['memory_mb']:.0f} |"
    )


def main() -> None:
    """Measure, print the table, and write the document where one is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundles", nargs="+", type=Path)
    parser.add_argument("--strips", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--speed", type=float, default=40.0, help="m/min of the paced round")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    load = read_load()
    entries = measure(
        arguments.bundles, strips=arguments.strips, rounds=arguments.rounds, speed=arguments.speed
    )
    print(
        "| bundle | tiles/s | DS, m/min | paced: p50 / p99 / max, ms | late | MB |\n|---|---:|---:|---:|---:|---:|"
    )
    for entry in entries:
        print(describe(entry))
    if arguments.write:
        environment = describe_environment(
            taken=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
            command=" ".join(["python", *map(os.path.relpath, sys.argv[:1]), *sys.argv[1:]]),
            threads=None,
            profile="line",
            rate_hz=None,
            load_before=load,
            roofline=None,
        )
        document = {
            "schema": "edgekit.line-bench/1",
            "lines": entries,
            "environment": asdict(environment),
        }
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        arguments.write.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
