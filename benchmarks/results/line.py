"""The paper's line on this machine: 14 tiles of 512 × 512 per strip, at full speed and at a line's pace.

    python benchmarks/results/line.py cheapnet-s.edgekit cheapnet-m.edgekit --write benchmarks/results/line/2-cores.json
    python benchmarks/results/line.py dinet.edgekit --exits none normal mix --strips 12 --rounds 3 --speed 20 \
        --write benchmarks/results/line/dinet-2-cores.json

Two cameras of 4,096 px, the two outer tiles left out (DI-Net's case): strips of 512 × 8,192 generated cloth, made
beforehand and then given again and again, repeated to three channels where a bundle takes colours. Each bundle runs
`--rounds` times, the bundles in turn: strips to verdicts by `run_line`, with records and without a pace. Told are tiles
per busy second (FPS), and DS in m/min = FPS / 14 · 0.1625 · 60, the median of the rounds and their range; then one
round at `--speed` m/min with its latency from the capture of a part's last row to its verdict.

With --exits, a bundle with early exits runs once for each word: "bundle" asks its own thresholds, "none" sends every
tile through all exits, "normal" and "mix" draw exits by the shares of the paper's Table 3, whatever the tiles show.
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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.data.fabric import FabricWeb
from edgekit.line.cloth import weave_strips
from edgekit_benchmarks.exit_shares import SHARES, DrawnExits, Shares
from edgekit_benchmarks.machine import describe_environment, read_load
from edgekit_runtime import Bundle, Detector
from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.line import LineSettings, PacedStrips, run_line, seconds_per_row
from edgekit_runtime.line.strips import Pixels
from edgekit_runtime.line.swapping import DetectorChoice

WIDTH, ROWS, STRIP_M = 8192, 512, 0.1625
MM_PER_PIXEL = 1000 * STRIP_M / ROWS
CLOTH = 8
"""Different strips; more of them would no longer be in the way of anybody's cache."""

NO_EXIT: Shares = (0.0, 0.0, 0.0, 1.0)
EXITS: Mapping[str, Shares | None] = {"bundle": None, "none": NO_EXIT, **SHARES}
"""Word → shares of the exits that are drawn; None leaves the choice to the bundle's thresholds."""

Strips = list[Pixels]


@dataclass(frozen=True)
class DrawnChoice(DetectorChoice):
    """Detectors whose rows leave by shares, every detector by the same numbers drawn."""

    shares: Shares = NO_EXIT

    def open(self, bundle: str | Path | Bundle) -> Detector:
        """Return a detector that is READY."""
        policy = DrawnExits(self.shares, np.random.default_rng(0))
        detector = Detector(bundle, device=self.device, backend=self.backend, exit_policy=policy)
        detector.open()
        return detector


@dataclass(frozen=True)
class Case:
    """A bundle, and which of its exits answer.

    Raises:
        UsageProblem: If exits shall be drawn and the bundle does not have those of the shares.
    """

    bundle: Path
    exits: str

    def __post_init__(self) -> None:
        shares, stages = EXITS[self.exits], Bundle.open(self.bundle).manifest.stages
        if shares is not None and len(stages) != len(shares):
            raise UsageProblem(
                f"{self.bundle} has {len(stages)} stages, and --exits {self.exits} is for {len(shares)} exits.",
                remedy="Leave --exits out for this bundle.",
            )

    @property
    def choice(self) -> DetectorChoice:
        """What it is opened with."""
        shares = EXITS[self.exits]
        return DetectorChoice() if shares is None else DrawnChoice(shares=shares)


def make_strips(pixels: PixelFormat) -> Strips:
    """Return strips of cloth, (512, 8192) or (512, 8192, 3)."""
    web = FabricWeb(WIDTH, seed=0, defects_per_metre=2.0)
    return list(itertools.islice(weave_strips(web, ROWS, pixels), CLOTH))


def repeat(strips: Strips, count: int) -> Iterator[Pixels]:
    """Yield so many strips, the same ones over and over."""
    return itertools.islice(itertools.cycle(strips), count)


def run_round(case: Case, strips: Strips, count: int, *, speed: float | None = None) -> dict[str, Any]:
    """Return the summary of one line."""
    settings = LineSettings(
        part_rows=ROWS, width=WIDTH, drop_left=1, drop_right=1, mm_per_pixel=MM_PER_PIXEL, waiting=4
    )
    source: Any = repeat(strips, count)
    if speed is not None:
        row_s = seconds_per_row(speed, MM_PER_PIXEL)
        source, settings = PacedStrips(source, row_s), replace(settings, deadline_s=ROWS * row_s)
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(settings, records=folder)
        return run_line(case.bundle, source, settings, on_part=lambda _: None, choice=case.choice).to_dict()


def measure(cases: list[Case], *, strips: int, rounds: int, speed: float) -> list[dict[str, Any]]:
    """Return one entry per case."""
    contracts = {case: Bundle.open(case.bundle).manifest.input for case in cases}
    woven = {pixels: make_strips(pixels) for pixels in {contract.pixels for contract in contracts.values()}}
    cloth = {case: woven[contract.pixels] for case, contract in contracts.items()}
    found: dict[Case, list[dict[str, Any]]] = {case: [] for case in cases}
    for case in cases:
        run_round(case, cloth[case], min(CLOTH, strips))  # kernels and caches
    for _ in range(rounds):
        for case in cases:
            found[case].append(run_round(case, cloth[case], strips))
    return [
        {
            "bundle": case.bundle.name,
            "exits": case.exits,
            "strips": strips,
            "rounds": found[case],
            "paced": run_round(case, cloth[case], strips, speed=speed),
            "pace_m_per_min": speed,
        }
        for case in cases
    ]


def describe(entry: dict[str, Any]) -> str:
    """Return one row of the table in benchmarks/results/README.md."""
    rates = [one["tiles_per_s"] for one in entry["rounds"]]
    speeds = [one["greatest_speed_m_per_min"] for one in entry["rounds"]]
    paced = entry["paced"]
    note = "" if entry["exits"] == "bundle" else f", exits: {entry['exits']}"
    return (
        f"| `{entry['bundle'].removesuffix('.edgekit')}`{note} | {show_range(rates)} | {show_range(speeds)} "
        f"| {paced['latency_p50_ms']:.1f} / {paced['latency_p99_ms']:.1f} / {paced['latency_max_ms']:.1f} "
        f"| {paced['late']} of {paced['parts']} | {paced['memory_mb']:.0f} |"
    )


def show_range(values: Sequence[float]) -> str:
    """Return the median, the least and the most: whole numbers from 100 on, one digit more below."""
    middle = statistics.median(values)
    digits = 0 if middle >= 100 else 1
    return f"{middle:,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def main() -> None:
    """Measure, print the table, and write the document where one is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundles", nargs="+", type=Path)
    parser.add_argument("--exits", nargs="+", choices=EXITS, default=["bundle"])
    parser.add_argument("--strips", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--speed", type=float, default=40.0, help="m/min of the paced round")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    load = read_load()
    cases = [Case(bundle, exits) for bundle in arguments.bundles for exits in arguments.exits]
    entries = measure(cases, strips=arguments.strips, rounds=arguments.rounds, speed=arguments.speed)
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
