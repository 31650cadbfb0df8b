"""What a lower precision changes of a network with exits: where rows leave, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import UsageProblem


@dataclass(frozen=True, eq=False)
class ExitRows:
    """What every exit says of every image, and which one answers.

    Attributes:
        probabilities: float32 (N, exits, classes).
        exits: 1-based, int64 (N,).
    """

    probabilities: npt.NDArray[np.float32]
    exits: npt.NDArray[np.int64]

    @property
    def classes(self) -> npt.NDArray[np.int64]:
        """Class of every image at every exit, (N, exits); −1 where its probabilities are not finite."""
        finite = np.isfinite(self.probabilities).all(axis=2)
        return np.where(finite, self.probabilities.argmax(axis=2), -1)

    @property
    def answers(self) -> npt.NDArray[np.int64]:
        """Class of every image at the exit that answers it, (N,)."""
        return self.classes[np.arange(len(self.exits)), self.exits - 1]


@dataclass(frozen=True)
class Flips:
    """Differences of one precision from another on the same images.

    Attributes:
        images: How many.
        exits: Images that another exit answers.
        earlier: Those of them that leave earlier now.
        classes: Images whose answer is another class.
        at_exit: The same of each exit alone, were it asked for every image.
        largest_difference: Of a probability, at any exit; NaN where one precision gives no number.
    """

    images: int
    exits: int
    earlier: int
    classes: int
    at_exit: tuple[int, ...]
    largest_difference: float


def count_flips(exact: ExitRows, lowered: ExitRows) -> Flips:
    """Return what changed.

    Raises:
        UsageProblem: If the two are not of the same images, exits and classes.
    """
    if exact.probabilities.shape != lowered.probabilities.shape:
        raise UsageProblem(
            f"Probabilities {exact.probabilities.shape} and {lowered.probabilities.shape} cannot be compared: images, "
            "exits and classes must be the same.",
            remedy="Take bundles of the same network, and the same images.",
        )
    return Flips(
        len(exact.exits),
        int((exact.exits != lowered.exits).sum()),
        int((lowered.exits < exact.exits).sum()),
        int((exact.answers != lowered.answers).sum()),
        tuple(int(count) for count in (exact.classes != lowered.classes).sum(axis=0)),
        float(np.abs(exact.probabilities - lowered.probabilities).max(initial=0.0)),
    )
