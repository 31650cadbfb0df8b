"""What every exit of a bundle makes of every image, and what thresholds make of that.

Counting needs no further run: which exit answers an image follows from its confidences, and each answer from the
runtime's own rules, so that the written bundle does what was counted here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgekit.evaluation.early_exits import read_exits
from edgekit_runtime.bundle import Manifest
from edgekit_runtime.exits import confidence, gate_rows
from edgekit_runtime.verdicts import judge_probabilities


@dataclass(frozen=True, eq=False)
class ExitTable:
    """Images by exits, in the order of the exits.

    Attributes:
        confidences: float32 (images, exits); -inf where an answer is not finite, so that it never counts as confident.
        wrong: Whether the exit's answer would be an escape (of a defective image) or overkill (of another one), bool
            (images, exits).
        defective: Which images show a defect, bool (images,).
        macs: Multiply-accumulates of a frame that this exit answers, int64 (exits,): those of all stages up to it.
        names: The stages of the exits.
        thresholds: The bundle's own.
        classes: Number of classes.
    """

    confidences: npt.NDArray[np.float32]
    wrong: npt.NDArray[np.bool_]
    defective: npt.NDArray[np.bool_]
    macs: npt.NDArray[np.int64]
    names: tuple[str, ...]
    thresholds: tuple[float, ...]
    classes: int

    @property
    def exits(self) -> int:
        """Number of exits."""
        return len(self.names)

    @property
    def defective_count(self) -> int:
        """Number of defective images."""
        return int(self.defective.sum())

    @property
    def normal_count(self) -> int:
        """Number of defect-free images."""
        return len(self.defective) - self.defective_count

    def take(self, images: npt.NDArray[np.bool_]) -> ExitTable:
        """Return the same for some of the images, bool (images,)."""
        return replace(
            self,
            confidences=self.confidences[images],
            wrong=self.wrong[images],
            defective=self.defective[images],
        )


@dataclass(frozen=True, eq=False)
class ExitCount:
    """What happens to the images.

    Attributes:
        thresholds: One per exit, the last of which only marks low confidence; None where no such thresholds are behind
            it.
        answers: 0-based exit that answers each image, int64 (images,).
        escapes: Defective images that are accepted.
        overkills: Defect-free images that are rejected.
        defective_macs: Multiply-accumulates of all defective images.
        normal_macs: Those of all defect-free images.
    """

    thresholds: tuple[float, ...] | None
    answers: npt.NDArray[np.int64]
    escapes: int
    overkills: int
    defective_macs: int
    normal_macs: int


def tabulate_exits(
    probabilities: npt.NDArray[np.float32], manifest: Manifest, defective: npt.NDArray[np.bool_]
) -> ExitTable:
    """Return what the exits of a bundle, two or more, make of images.

    Args:
        probabilities: float32 (images, exits, classes), every image through every exit (`Detector.find_probabilities`).
        manifest: The bundle's.
        defective: Which images show a defect, bool (images,).
    """
    exits, model = read_exits(manifest), manifest.model
    assert exits is not None  # `require_exits` has refused what has fewer than two
    accepted = np.array(
        [
            [
                judge_probabilities(
                    row, model.classes, normal_class=model.normal_class, low_confidence=False
                ).verdict
                == "accept"
                for row in image
            ]
            for image in probabilities
        ],
        np.bool_,
    )
    confidences = np.stack([confidence(part) for part in np.moveaxis(probabilities, 1, 0)], axis=1)
    return ExitTable(
        confidences=np.where(np.isnan(confidences), np.float32(-np.inf), confidences),
        wrong=accepted == defective[:, None],
        defective=defective,
        macs=np.array(exits.count_macs(manifest.input.height, manifest.input.width), np.int64),
        names=tuple(point.name for point in exits.points),
        thresholds=tuple(point.threshold for point in exits.points),
        classes=len(model.classes),
    )


def count_thresholds(table: ExitTable, thresholds: Sequence[float]) -> ExitCount:
    """Return what thresholds, one per exit, make of the images."""
    return count_answers(table, gate_rows(table.confidences, thresholds).places, tuple(thresholds))


def count_last_exit(table: ExitTable) -> ExitCount:
    """Return what the last exit makes of the images, when every frame is sent to it."""
    return count_answers(table, np.full(len(table.defective), table.exits - 1, np.intp))


def count_answers(
    table: ExitTable, answers: npt.NDArray[np.intp], thresholds: tuple[float, ...] | None = None
) -> ExitCount:
    """Return what becomes of images when each is answered by a given exit, 0-based int (images,)."""
    wrong = table.wrong[np.arange(len(answers)), answers]
    macs = table.macs[answers]
    return ExitCount(
        thresholds=thresholds,
        answers=answers.astype(np.int64),
        escapes=int((wrong & table.defective).sum()),
        overkills=int((wrong & ~table.defective).sum()),
        defective_macs=int(macs[table.defective].sum()),
        normal_macs=int(macs[~table.defective].sum()),
    )
