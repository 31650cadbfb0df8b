"""`edgekit calibrate` for a bundle that segments: its threshold and the least area of a region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.choosing.areas import AreaMeter, find_threshold
from edgekit.choosing.calibration import Calibration
from edgekit.choosing.choice import Choice, choose_point
from edgekit.choosing.goal import Goal
from edgekit.choosing.known_images import KnownImages
from edgekit.choosing.trade_off_page import write_trade_off_page
from edgekit.choosing.tuning_info import describe_tuning
from edgekit.choosing.wording import describe_choice, describe_point
from edgekit.data.splitting.parts import ChosenPart
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.bundle.retuning import retune_bundle
from edgekit_runtime.quotas import override_rules


@dataclass(frozen=True, eq=False)
class RegionCalibration(Calibration):
    """A threshold and a least area.

    Attributes:
        choice: What was chosen.
    """

    choice: Choice

    @property
    def reached(self) -> bool:
        """Whether the goal was reached."""
        return self.choice.reached

    @property
    def goal(self) -> str:
        """What was asked for, in words."""
        return self.choice.goal.describe()

    def describe(self) -> list[str]:
        """Return the table and the statements."""
        return describe_choice(self.choice)

    def describe_best(self) -> str:
        """Return the best point in one line."""
        threshold, area, escape, overkill = describe_point(self.choice.chosen)[:4]
        return f"escape {escape}, overkill {overkill}, at threshold {threshold} and {area}"

    def to_dict(self) -> dict[str, Any]:
        """Return goal, points and support."""
        choice = self.choice
        return {
            "goal": choice.goal.to_dict(),
            "chosen": choice.chosen.to_dict(),
            "before": choice.before.to_dict(),
            "trade_off": [point.to_dict() for point in choice.frontier],
            "support": [each.to_dict() for each in choice.support],
            "thresholds_run": choice.runs,
            "exhausted": choice.exhausted,
        }

    def write_page(self, path: Path, document: Mapping[str, Any]) -> None:
        """Write the trade-off as a page."""
        write_trade_off_page(path, self.choice, document)

    def write_bundle(self, out: Path) -> Bundle:
        """Write the bundle with the threshold and the least area."""
        choice, point = self.choice, self.choice.chosen.point
        return retune_bundle(
            self.bundle,
            out,
            thresholds={find_threshold(self.bundle): point.threshold},
            rules=override_rules(self.bundle.manifest.rules, min_area_px=point.min_area_px),
            tuning=describe_tuning(choice.chosen, self.part, goal=[self.goal], support=choice.support),
        )


def calibrate_regions(
    bundle: Bundle, part: ChosenPart, images: KnownImages, goal: Goal, *, reporter: Reporter, **running: Any
) -> RegionCalibration:
    """Choose the threshold and the least area of a bundle; `running` and errors as for `AreaMeter`."""
    meter = AreaMeter(bundle, images, reporter=reporter, **running)
    choice = choose_point(bundle, images, meter, goal)
    return RegionCalibration(bundle, part, images, meter.backend, choice)
