"""`edgekit calibrate` for a bundle that classifies with several exits: their thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.choosing.calibration import Calibration
from edgekit.choosing.exits.answering import answer_images
from edgekit.choosing.exits.choice import ExitChoice, choose_exits
from edgekit.choosing.exits.goal import ExitGoal
from edgekit.choosing.exits.page import write_exit_page
from edgekit.choosing.exits.table import tabulate_exits
from edgekit.choosing.exits.wording import (
    describe_cost,
    describe_exits,
    describe_held,
    describe_share,
    describe_thresholds,
)
from edgekit.choosing.known_images import KnownImages
from edgekit.choosing.tuning_info import describe_tuning
from edgekit.choosing.wording import describe_rates
from edgekit.data.splitting.parts import ChosenPart
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.bundle.retuning import retune_bundle


@dataclass(frozen=True, eq=False)
class ExitCalibration(Calibration):
    """Thresholds of exits.

    Attributes:
        choice: What was chosen.
    """

    choice: ExitChoice

    @property
    def reached(self) -> bool:
        """Whether the goal was reached."""
        return self.choice.reached

    @property
    def goal(self) -> str:
        """What was asked for, in words."""
        return self.choice.goal.describe()

    def describe(self) -> list[str]:
        """Return the tables and the statements."""
        return describe_exits(self.choice)

    def describe_best(self) -> str:
        """Return the best thresholds in one line."""
        chosen = self.choice.chosen
        escape, overkill = describe_rates(chosen)[:2]
        best = (
            f"escape {escape}, overkill {overkill}, expected cost {describe_cost(chosen)}, at thresholds "
            f"{describe_thresholds(chosen)}"
        )
        # The limit that was missed may be one that nobody typed.
        held = describe_held(self.choice)
        return f"{best}, {held}" if held else best

    def to_dict(self) -> dict[str, Any]:
        """Return goal, choices and support."""
        choice = self.choice
        return {
            "goal": {
                **choice.goal.to_dict(),
                "held": choice.goal.held,
                "expected_defective_share": choice.criterion.share,
            },
            "exits": list(choice.names),
            "chosen": choice.chosen.to_dict(),
            "before": choice.before.to_dict(),
            "last_exit": choice.last.to_dict(),
            "held_out": None if choice.held_out is None else choice.held_out.to_dict(),
            "trade_off": [point.to_dict() for point in choice.frontier],
            "series": [point.to_dict() for point in choice.series],
            "support": [each.to_dict() for each in choice.support],
            "combinations_counted": choice.counted,
            "exhausted": choice.exhausted,
        }

    def write_page(self, path: Path, document: Mapping[str, Any]) -> None:
        """Write the trade-off as a page."""
        write_exit_page(path, self.choice, document)

    def write_bundle(self, out: Path) -> Bundle:
        """Write the bundle with the thresholds."""
        choice, chosen = self.choice, self.choice.chosen
        thresholds = chosen.thresholds
        assert thresholds is not None  # a search gives thresholds; only the comparison has none
        cost = f"expected cost {describe_cost(chosen)} at {describe_share(choice)}"
        return retune_bundle(
            self.bundle,
            out,
            thresholds={},
            rules=self.bundle.manifest.rules,
            tuning=describe_tuning(chosen, self.part, goal=[self.goal, cost], support=choice.support),
            exits=dict(zip(choice.names, thresholds, strict=True)),
        )


def calibrate_exits(
    bundle: Bundle,
    part: ChosenPart,
    images: KnownImages,
    goal: ExitGoal,
    *,
    reporter: Reporter,
    **running: Any,
) -> ExitCalibration:
    """Choose the thresholds of a bundle's exits; `running` and errors as for `answer_images` and `choose_exits`."""
    manifest = bundle.manifest
    answers = answer_images(bundle, images, reporter=reporter, **running)
    table = tabulate_exits(answers.probabilities, manifest, images.defective)
    choice = choose_exits(table, images, goal, mm_per_px=manifest.input.mm_per_pixel)
    return ExitCalibration(bundle, part, images, answers.backend, choice)
