"""A whole check: one pass, the figures, the findings."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.data.checking.findings import Finding, find_doubts
from edgekit.data.checking.summary import Summary, summarise
from edgekit.data.checking.survey import Survey, survey_dataset
from edgekit.data.contract import Dataset
from edgekit.reporting import Reporter


@dataclass(frozen=True)
class Check:
    """What was seen, its figures, and what is doubtful about it."""

    survey: Survey
    summary: Summary
    findings: tuple[Finding, ...]


def check_dataset(dataset: Dataset, *, compare: bool = True, reporter: Reporter) -> Check:
    """Check a dataset; images that cannot be read become findings.

    Args:
        dataset: What to check.
        compare: Look for pictures that are nearly the same, which takes most of the time of large sets.
        reporter: Where progress goes.
    """
    survey = survey_dataset(dataset, compare=compare, reporter=reporter)
    summary = summarise(survey)
    return Check(survey, summary, find_doubts(survey, summary))
