"""What is doubtful about a dataset, in plain words: one small rule per doubt, all in one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgekit.data.checking import image_rules, mask_rules, set_rules
from edgekit.data.checking.doubts import SEVERITIES, Doubts, Severity
from edgekit.data.checking.summary import Summary
from edgekit.data.checking.survey import Survey

EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One doubt about a dataset.

    Attributes:
        severity: "error" for what cannot be used, "warning" for what spoils results, "note" for what to know.
        rule: Name of the rule, for programs.
        what: What was found: full sentences with their numbers.
        count: How many images, pairs or regions are concerned.
        examples: Names of up to five images.
        advice: What it means and what to do.
    """

    severity: Severity
    rule: str
    what: str
    count: int
    examples: tuple[str, ...]
    advice: str


RULES: dict[str, Callable[[Survey, Summary], Doubts]] = {
    "unreadable": image_rules.find_unreadable,
    "other-depth": image_rules.find_other_depths,
    "empty-mask": mask_rules.find_empty_masks,
    "marked-normal": mask_rules.find_marked_normals,
    "full-mask": mask_rules.find_full_masks,
    "identical": image_rules.find_identical,
    "leak": set_rules.find_leaks,
    "similar": image_rules.find_similar_pairs,
    "blank-image": image_rules.find_blank_images,
    "mixed-channels": image_rules.find_mixed_channels,
    "no-defects": set_rules.find_missing_defects,
    "absent-class": set_rules.find_absent_classes,
    "grey-mask": mask_rules.find_grey_masks,
    "no-normals": set_rules.find_missing_normals,
    "few-images": set_rules.find_few_images,
    "other-kind": mask_rules.find_other_kinds,
    "speck": mask_rules.find_specks,
    "odd-size": image_rules.find_odd_sizes,
    "no-masks": mask_rules.find_missing_masks,
}
"""Rule → what it finds. Within a severity, findings come in this order."""


def find_doubts(survey: Survey, summary: Summary) -> tuple[Finding, ...]:
    """Return every finding, errors first and notes last."""
    found = [
        Finding(
            severity=doubt.severity,
            rule=name,
            what=doubt.what,
            count=len(doubt.names) if doubt.count is None else doubt.count,
            examples=tuple(doubt.names[:EXAMPLES]),
            advice=doubt.advice,
        )
        for name, rule in RULES.items()
        for doubt in rule(survey, summary)
    ]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
