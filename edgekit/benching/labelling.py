"""Regions as a peer's users find them: OpenCV's connectedComponentsWithStats, in its fastest configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edgekit_benchmarks.calibration import Settings, Tuned, tune
from edgekit_runtime.regions import Rows

Mask = npt.NDArray[np.uint8]
Stats = npt.NDArray[np.int32]
"""int32 (R + 1, 5): x, y, width, height, area of each component; the first row is the background."""

Label = Callable[[Mask], Stats]

ALGORITHMS = ("CCL_DEFAULT", "CCL_SAUF", "CCL_BBDT", "CCL_SPAGHETTI", "CCL_WU", "CCL_GRANA", "CCL_BOLELLI")
TYPES = {"int32": cv2.CV_32S, "uint16": cv2.CV_16U}


def tune_labelling(masks: Sequence[Mask], *, threads: int, limit_s: float) -> Tuned[Label]:
    """Return OpenCV's fastest labelling of these masks: algorithm, type of labels and threads.

    OpenCV's threads are the whole process's: they are left as they were found best.

    Args:
        masks: uint8 (H, W) each.
        threads: Most threads; 1 is tried, too.
        limit_s: Time for all trials.
    """
    axes = {
        "algorithm": [name for name in ALGORITHMS if hasattr(cv2, name)],
        "labels": list(TYPES),
        "threads": [str(count) for count in dict.fromkeys((threads, 1))],
    }
    tuned = tune(
        make_labelling,
        lambda label: lambda number: label(masks[number % len(masks)]),
        axes,
        limit_s=limit_s,
    )
    make_labelling(tuned.settings)
    return tuned


def make_labelling(settings: Settings) -> Label:
    """Return the labelling with these settings, connectivity 8."""
    algorithm, kind = getattr(cv2, settings["algorithm"]), TYPES[settings["labels"]]
    cv2.setNumThreads(int(settings["threads"]))

    def label(mask: Mask) -> Stats:
        _, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(mask, 8, kind, algorithm)
        return np.asarray(stats)

    return label


def describe_labelling(settings: Settings) -> str:
    """Return the settings in words."""
    return f"OpenCV {settings['algorithm']}, {settings['labels']} labels, threads {settings['threads']}"


def read_stats(stats: Stats) -> Rows:
    """Return OpenCV's rows as those of `find_regions` for one class of defect, int64 (R, 6), in its order."""
    x, y, width, height, area = stats[1:].astype(np.int64).T
    rows = np.stack([x, y, x + width, y + height, area, np.ones_like(area)], axis=1)
    return rows[np.lexsort((rows[:, 4], rows[:, 2], rows[:, 3], rows[:, 0], rows[:, 1]))]
