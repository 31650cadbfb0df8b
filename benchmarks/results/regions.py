"""Regions of a mask: the compiled labelling against the fastest that OpenCV has, on a fixed set of masks.

    python benchmarks/results/regions.py --write benchmarks/results/regions/2-cores.json

The masks: nine generated ones of 512 × 512, and the first two of every defect of the Magnetic Tile set, each of its
own size, where that set is (EDGEKIT_DATA, by default ../shared/data). OpenCV gets its best settings for every mask:
each algorithm, both label types, one thread and all, new memory for its answer and memory that it had before, are
tried, and the fastest runs interleaved with `find_regions`, as an application calls it: on one thread, with its checks,
its rows sorted. NumPy's labelling runs along, and OpenCV's with the settings that it has by itself. That the answers
are the same is checked first, for both connectivities.

Printed and written: medians, and the median ratio of the rounds with its 95 % bootstrap interval.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edgekit_benchmarks.interleaving import Schedule, measure_interleaved
from edgekit_benchmarks.machine import describe_environment, read_load
from edgekit_benchmarks.ratios import measure_ratio
from edgekit_runtime.labelling import numpy_runs
from edgekit_runtime.regions import find_regions, prepare_regions

Mask = npt.NDArray[np.uint8]
Labelling = Callable[[], Any]

REPOSITORY = Path(__file__).resolve().parents[2]
REAL = ("MT_Blowhole", "MT_Break", "MT_Crack", "MT_Fray", "MT_Uneven")
ALGORITHMS = {name: getattr(cv2, name) for name in sorted(dir(cv2)) if name.startswith("CCL_")}
HEADINGS = (
    "mask",
    "pixels",
    "regions",
    "`find_regions`, µs",
    "OpenCV's fastest, µs",
    "ratio",
    "over OpenCV's defaults",
    "over NumPy",
)
TYPES = {"CV_16U": cv2.CV_16U, "CV_32S": cv2.CV_32S}


def make_masks(size: int = 512) -> dict[str, Mask]:
    """Return the generated masks, by name."""
    y, x = np.mgrid[:size, :size]
    noise = np.random.default_rng(4).random((size, size))
    squares = (x % 6 < 3) & (y % 8 < 3) & (x < 480) & (y < 480)  # 80 across, 60 down
    masks = {
        "empty": np.zeros((size, size)),
        "one blob": ((y - 250) / 60) ** 2 + ((x - 270) / 90) ** 2 < 1,
        "4,800 squares": squares,
        "spiral": draw_spiral(size),
        "noise, 5 %": noise < 0.05,
        "noise, 50 %": noise < 0.5,
        "checkerboard": (x + y) % 2,
        "comb": (x % 2 == 0) | (y == size - 1),
        "full": np.ones((size, size)),
    }
    return {name: np.ascontiguousarray(mask, np.uint8) for name, mask in masks.items()}


def draw_spiral(size: int) -> Mask:
    """Return one path, a pixel wide with gaps of one, from the corner to the centre."""
    mask = np.zeros((size, size), np.uint8)
    low, high = 0, size - 1
    mask[0, 0] = 1
    while low < high:
        mask[low, max(low - 1, 0) : high + 1] = 1
        mask[low : high + 1, high] = 1
        mask[high, low : high + 1] = 1
        mask[low + 2 : high + 1, low] = 1
        low, high = low + 2, high - 2
    return mask


def read_real_masks(folder: Path) -> dict[str, Mask]:
    """Return the first two masks of every defect, by class and file name; none where the set is not there."""
    files = [file for tag in REAL for file in sorted((folder / tag / "Imgs").glob("*.png"))[:2]]
    return {
        f"{file.parts[-3]}/{file.stem}": (cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 127).astype(np.uint8)
        for file in files
    }


def check_answers(name: str, mask: Mask) -> None:
    """End the script unless OpenCV, NumPy and the kernel find the same regions."""
    for connectivity in (4, 8):
        rows = find_regions(mask, connectivity=connectivity)
        stats = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)[2][1:]
        x, y, width, height, area = stats.T.astype(np.int64)
        theirs = np.stack([x, y, x + width, y + height, area, np.ones_like(x)], axis=1)
        theirs = theirs[np.lexsort(theirs.T[[5, 4, 2, 3, 0, 1]])]
        for other in (theirs, numpy_runs.find_rows(mask, connectivity, 0)):
            if not np.array_equal(rows, other):
                sys.exit(f"{name}: the labellings do not agree (connectivity {connectivity}).")


def find_fastest_opencv(mask: Mask) -> tuple[dict[str, Any], Labelling]:
    """Return OpenCV's best settings for a mask, and the call; its threads are set to them."""
    counts = sorted({1, cv2.getNumberOfCPUs()})
    settings = itertools.product(counts, ALGORITHMS, TYPES, ("new", "kept"))
    tried = []
    for threads, algorithm, kind, memory in settings:
        cv2.setNumThreads(threads)
        call = make_opencv_call(mask, ALGORITHMS[algorithm], TYPES[kind], kept=memory == "kept")
        chosen = {"threads": threads, "algorithm": algorithm, "labels": kind, "memory": memory}
        tried.append((time_call(call), chosen, call))
    _, chosen, call = min(tried, key=lambda one: one[0])
    cv2.setNumThreads(chosen["threads"])
    return chosen, call


def make_opencv_call(mask: Mask, algorithm: int, kind: int, *, kept: bool) -> Labelling:
    """Return OpenCV's labelling with 8 neighbours, which writes into the memory of an answer where that is kept."""

    def label(*memory: Any) -> Any:
        return cv2.connectedComponentsWithStatsWithAlgorithm(mask, 8, kind, algorithm, *memory)

    memory = label()[1:] if kept else ()
    return lambda: label(*memory)


def time_call(call: Labelling) -> float:
    """Return the shortest of some calls, in seconds: what else runs on the machine must not choose the settings."""
    times = []
    for _ in range(12):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)


def measure_mask(name: str, mask: Mask, seconds: float) -> dict[str, Any]:
    """Return what one mask gave, JSON-ready."""
    check_answers(name, mask)
    settings, opencv = find_fastest_opencv(mask)
    calls = {
        "compiled": lambda _: find_regions(mask),
        "opencv": lambda _: opencv(),
        "opencv_defaults": lambda _: cv2.connectedComponentsWithStats(mask),
        "numpy": lambda _: numpy_runs.find_rows(mask, 8, 0),
    }
    generator = np.random.default_rng(0)
    schedule = Schedule(rounds=400, block=4, settling=1, limit_s=seconds)
    rounds = measure_interleaved(calls, schedule, generator=generator)
    medians = {who: statistics.median(itertools.chain(*blocks)) for who, blocks in rounds.items()}
    return {
        "mask": name,
        "height": mask.shape[0],
        "width": mask.shape[1],
        "foreground": round(float(mask.mean()), 6),
        "regions": len(find_regions(mask)),
        "median_ms": {who: round(value, 6) for who, value in medians.items()},
        "opencv_settings": settings,
        "over_opencv": asdict(measure_ratio(rounds["opencv"], rounds["compiled"], generator)),
        "over_opencv_defaults": asdict(
            measure_ratio(rounds["opencv_defaults"], rounds["compiled"], generator)
        ),
        "over_numpy": asdict(measure_ratio(rounds["numpy"], rounds["compiled"], generator)),
    }


def print_row(row: dict[str, Any]) -> None:
    """Print a line of the table in the README's form."""
    ratio, times = row["over_opencv"], row["median_ms"]
    print(
        f"| {row['mask']} | {row['height']} × {row['width']} | {row['regions']:,} | {times['compiled'] * 1e3:.1f}"
        f" | {times['opencv'] * 1e3:.0f} | **{ratio['median']:.1f}** ({ratio['low']:.1f} to {ratio['high']:.1f})"
        f" | {row['over_opencv_defaults']['median']:.1f} | {row['over_numpy']['median']:.0f} |",
        flush=True,
    )


def main() -> None:
    """Measure every mask, print the table and write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, metavar="FILE.json")
    parser.add_argument("--seconds", type=float, default=2.0, help="per mask; 11 rounds at least")
    arguments = parser.parse_args()
    if not prepare_regions():
        sys.exit('Numba is not installed. Run: pip install "edgekit[cpu]"')
    load = read_load()
    folder = REPOSITORY / os.environ.get("EDGEKIT_DATA", "../shared/data") / "magnetic-tile"
    real = read_real_masks(folder)
    if not real:
        print(f"no real masks: {folder} is not there (set EDGEKIT_DATA)", file=sys.stderr)
    print(f"| {' | '.join(HEADINGS)} |\n|---|---|{'---:|' * (len(HEADINGS) - 2)}")
    rows = []
    for name, mask in (make_masks() | real).items():
        rows.append(measure_mask(name, mask, arguments.seconds))
        print_row(rows[-1])
    environment = describe_environment(
        taken=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        command=" ".join(["python", "benchmarks/results/regions.py", *sys.argv[1:]]),
        threads=1,
        profile="",
        rate_hz=None,
        load_before=load,
        roofline=None,
    )
    if arguments.write:
        document = {
            "connectivity": 8,
            "opencv": cv2.__version__,
            "masks": rows,
            "environment": asdict(environment),
        }
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        arguments.write.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
