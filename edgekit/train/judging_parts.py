"""What the parts that judge a run must show: a class that none of their images has cannot be judged."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.data import Dataset, Split
from edgekit.models import ModelSpec
from edgekit.reporting import Reporter
from edgekit.train.sample_store import SampleStore

CONSEQUENCES = {"val": "the best epoch is chosen without", "test": "`edgekit eval` will say nothing of"}
"""Part → what follows for what it lacks."""


def warn_of_absent(
    dataset: Dataset, split: Split, spec: ModelSpec, *, val: SampleStore, reporter: Reporter
) -> None:
    """Say what validation and test do not show: their figures would look as good as if it was found.

    Args:
        dataset: The data of the run.
        split: Their split.
        spec: The model, for the data's classes.
        val: The validation part, whose masks were read.
        reporter: Where the warnings go.
    """
    flawed = bool(val.defective.any())
    if not flawed:
        reporter.note(
            f"warning: none of the {len(val)} images of the validation part shows a defect, so that it cannot tell "
            "which epoch finds them. Use --folds, another --split-seed, or more defective images."
        )
    for part, consequence in CONSEQUENCES.items():
        absent = _list_absent(dataset, split.parts[part], spec)
        if absent and (flawed or part != "val"):
            them = "it" if len(absent) == 1 else "them"
            reporter.note(
                f"warning: the {part} part shows no {', '.join(absent)}: {consequence} {them}. Use --folds, another "
                "--split-seed, or more such images."
            )


def _list_absent(dataset: Dataset, indices: Sequence[int], spec: ModelSpec) -> list[str]:
    """Return the classes that no image has; "defect", for a network that segments, where no image may show any."""
    items = [dataset.items[index] for index in indices]
    if spec.task == "segment":
        return [] if any(item.defective is not False for item in items) else ["defect"]
    there = {item.label for item in items}
    return [name for number, name in enumerate(dataset.labels) if number not in there]
