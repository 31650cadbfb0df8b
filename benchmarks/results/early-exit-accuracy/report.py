"""Tables of the comparison of early exits, in Markdown: what each row reaches, and whether two rows differ.

    python benchmarks/results/early-exit-accuracy/report.py runs/early-exit-accuracy

Reads what compare.py wrote. Figures are means over the folds with Student's 95 % interval, which covers what another
training part would change. Differences are paired: both rows answered the same images, pooled over the folds; groups of
images are drawn (95 % bootstrap interval), so that they cover other tiles or rolls, but no other training. A difference
whose interval holds 0 is not shown by these images.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.evaluation.bootstrap import Figures, Sums, bootstrap_intervals
from edgekit.evaluation.class_figures import mean_recall

STUDENT_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}
"""Two-sided 95 % quantiles by degrees of freedom."""

ROWS = (
    *("resnet50", "dinet", "dinet-end-to-end", "dinet-plain", "dinet-end-to-end-plain"),
    *("dinet-a", "mobile-di"),
)
"""In the order of the tables."""

PAIRS = (
    ("dinet", "dinet-end-to-end", "two phases against end to end"),
    ("dinet", "dinet-plain", "weighted against plain cross-entropy"),
    ("dinet-end-to-end", "dinet-end-to-end-plain", "the same, end to end"),
    ("dinet", "dinet-a", "aggregation against none"),
    ("dinet", "resnet50", "early exits against none"),
)

FIGURES = ("accuracy", "macc", "escape", "overkill")
TITLES = {"accuracy": "accuracy, %", "macc": "mAcc, %", "escape": "escape, %", "overkill": "overkill, %"}

Document = dict[str, Any]
Answer = dict[str, Any]
Choose = Callable[[Answer], int | None]
"""Which of an image's answers counts, as a class index."""


def as_run(answer: Answer) -> int | None:
    """Return what the network answers: its exits decide which of them does."""
    predicted: int | None = answer["predicted"]
    return predicted


def at_last_exit(answer: Answer) -> int | None:
    """Return what the last exit answers, whatever those before it say."""
    predicted: int | None = answer["alone"][-1]
    return predicted


def count_cells(answers: Sequence[Answer], classes: int, choose: Choose) -> list[Sums]:
    """Return what each image adds to the confusion, float64 (K · (K + 1),); the last column is no answer."""
    cells = np.zeros((len(answers), classes, classes + 1))
    for row, answer in enumerate(answers):
        predicted = choose(answer)
        cells[row, answer["truth"], classes if predicted is None else predicted] = 1
    return list(cells.reshape(len(answers), -1))


def measure(cells: Sums, classes: int, normal: int) -> dict[str, float | None]:
    """Return `FIGURES` of pooled cells in percent; None where there is no case."""
    confusion = cells.reshape(classes, classes + 1)
    good, defective = confusion[normal], np.delete(confusion, normal, axis=0)
    return {
        "accuracy": 100 * float(np.trace(confusion) / confusion.sum()),
        "macc": 100 * mean_recall(confusion),
        "escape": 100 * float(defective[:, normal].sum() / defective.sum()) if defective.sum() else None,
        "overkill": 100 * float(1 - good[normal] / good.sum()) if good.sum() else None,
    }


def describe_mean(values: Iterable[float | None], *, digits: int = 1) -> str:
    """Return "mean ± half width", the mean alone where all are one value, a dash for none."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    mean = f"{statistics.mean(known):.{digits}f}"
    if min(known) == max(known):
        return mean
    half = STUDENT_95[len(known) - 1] * statistics.stdev(known) / math.sqrt(len(known))
    return f"{mean} ± {half:.{digits}f}"


def write_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table; all columns but the first are numbers."""
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return ["| " + " | ".join(cells) + " |" for cells in (head, ruler, *rows)]


def tabulate_figures(runs: dict[str, list[Document]], choose: Choose) -> list[str]:
    """Return the figures of every row, and what an image costs."""
    lines = []
    for name, documents in runs.items():
        found = [measure_document(document, choose) for document in documents]
        cost = [read_gmacs(document, whole=choose is at_last_exit) for document in documents]
        lines.append(
            [
                f"`{name}`",
                str(len(documents)),
                *(describe_mean(each[figure] for each in found) for figure in FIGURES),
                describe_mean(cost, digits=3),
            ]
        )
    return write_table(["", "folds", *TITLES.values(), "GMAC per image"], lines)


def measure_document(document: Document, choose: Choose) -> dict[str, float | None]:
    """Return `FIGURES` of one run."""
    classes = document["classes"]
    cells = count_cells(document["answers"], len(classes), choose)
    return measure(np.sum(cells, axis=0), len(classes), classes.index(document["normal_class"]))


def read_gmacs(document: Document, *, whole: bool) -> float:
    """Return the GMAC of an image on average: at the exits that answered it, or of the whole network."""
    exits = document["test"]["exits"]
    if exits is None:
        return float(document["macs"]) / 1e9
    return float(exits["macs"]["last_exit" if whole else "mean"]) / 1e9


def tabulate_exits(runs: dict[str, list[Document]]) -> list[str]:
    """Return per row and class where images were answered, pooled over the folds; and how right each exit is alone."""
    lines = []
    for name, documents in runs.items():
        exits = [document["test"]["exits"] for document in documents]
        if None in exits:
            continue
        count = len(exits[0]["exits"])
        for label in documents[0]["classes"]:
            answered = [
                sum(each["exits"][place]["classes"][label]["answered"] for each in exits)
                for place in range(count)
            ]
            total = sum(answered)
            shares = [f"{100 * number / total:.1f}" if total else "–" for number in answered]
            lines.append([f"`{name}`, {label}", str(total), *shares])
        alone = [
            [100 * each["exits"][place]["alone"]["every_image"]["macc"] for each in exits]
            for place in range(count)
        ]
        lines.append([f"`{name}`, mAcc of each exit alone", "", *(describe_mean(each) for each in alone)])
    numbers = range(1, 1 + max((len(line) - 2 for line in lines), default=0))
    return write_table(["answered, %", "images", *(f"exit {number}" for number in numbers)], lines)


def tabulate_classes(runs: dict[str, list[Document]]) -> list[str]:
    """Return precision / recall of every class as the network runs, pooled over the folds."""
    first = next(iter(runs.values()))[0]["classes"]
    lines = []
    for name, documents in runs.items():
        answers = [answer for document in documents for answer in document["answers"]]
        size = len(first)
        confusion = np.sum(count_cells(answers, size, as_run), axis=0).reshape(size, size + 1)
        cells = []
        for index in range(size):
            hits, truth, predicted = (
                confusion[index, index],
                confusion[index].sum(),
                confusion[:, index].sum(),
            )
            cells.append(" / ".join(f"{100 * hits / of:.1f}" if of else "–" for of in (predicted, truth)))
        lines.append([f"`{name}`", *cells])
    return write_table(["precision / recall, %", *first], lines)


def tabulate_pairs(runs: dict[str, list[Document]], choose: Choose) -> list[str]:
    """Return the paired differences of `PAIRS`, of the pairs that both were run."""
    lines = []
    for ours, other, title in PAIRS:
        answers = match_answers(runs.get(ours, []), runs.get(other, []))
        if answers:
            classes, normal = runs[ours][0]["classes"], runs[ours][0]["normal_class"]
            cells = compare_answers(answers, len(classes), classes.index(normal), choose)
            lines.append([f"{title}: `{ours}` − `{other}`", *cells])
    return write_table(["difference, points", "images", "groups", *FIGURES], lines)


def match_answers(ours: Sequence[Document], others: Sequence[Document]) -> list[tuple[Answer, Answer]]:
    """Return both rows' answers for each image of the folds that both were run on.

    Raises:
        SystemExit: If they were not asked about the same images.
    """
    theirs = {document["fold"]: document for document in others}
    pairs = []
    for document in ours:
        other = theirs.get(document["fold"])
        if other is None:
            continue
        keys = [[(each["name"], each["truth"]) for each in one["answers"]] for one in (document, other)]
        if keys[0] != keys[1]:
            raise SystemExit(
                f"Fold {document['fold']}: {document['row']} and {other['row']} saw other images."
            )
        pairs += list(zip(document["answers"], other["answers"], strict=True))
    return pairs


def compare_answers(
    pairs: Sequence[tuple[Answer, Answer]], classes: int, normal: int, choose: Choose
) -> list[str]:
    """Return the cells of a pair: images, groups, and every difference with its interval."""
    ours, others = (count_cells(answers, classes, choose) for answers in zip(*pairs, strict=True))
    sums = [np.concatenate(both) for both in zip(ours, others, strict=True)]

    def subtract(pooled: Sums) -> Figures:
        half = len(pooled) // 2
        first, second = (measure(part, classes, normal) for part in (pooled[:half], pooled[half:]))
        return {figure: _subtract(first[figure], second[figure]) for figure in FIGURES}

    found = subtract(np.sum(sums, axis=0))
    intervals = bootstrap_intervals([pair[0]["group"] for pair in pairs], sums, subtract)
    cells = [describe_difference(found[figure], intervals.bounds[figure]) for figure in FIGURES]
    return [str(len(pairs)), str(intervals.groups), *cells]


def _subtract(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second


def describe_difference(value: float | None, bounds: tuple[float, float] | None) -> str:
    """Return such as "+1.2 (+0.3 to +2.0)"; it says where the interval holds 0, and is "0" where nothing differs."""
    if value is None:
        return "–"
    if bounds is None:
        return f"{value:+.1f}"
    low, high = bounds
    if low == value == high == 0:
        return "0"
    verdict = ", holds 0" if low <= 0 <= high else ""
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f}{verdict})"


def describe_set(runs: dict[str, list[Document]]) -> list[str]:
    """Return the tables of one set."""
    steps = {document["steps"] for documents in runs.values() for document in documents}
    if len(steps) > 1:
        raise SystemExit(f"Runs of {sorted(steps)} steps stand in one folder: nothing is equal between them.")
    return [
        f"Steps of every run: {steps.pop()}. As the network runs, the first exit that is confident enough answers:",
        "",
        *tabulate_figures(runs, as_run),
        "",
        "The last exit alone, for every image:",
        "",
        *tabulate_figures(runs, at_last_exit),
        "",
        "Differences as the networks run, with paired intervals over groups:",
        "",
        *tabulate_pairs(runs, as_run),
        "",
        "Differences of the last exits alone:",
        "",
        *tabulate_pairs(runs, at_last_exit),
        "",
        *tabulate_exits(runs),
        "",
        *tabulate_classes(runs),
    ]


def main(folder: Path) -> None:
    """Print the tables of every set in the folder."""
    sets: dict[str, dict[str, list[Document]]] = {}
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text())
        sets.setdefault(document["data"], {}).setdefault(document["row"], []).append(document)
    if not sets:
        raise SystemExit(f"{folder} holds no documents of compare.py.")
    for name, found in sets.items():
        print(f"\n### {name}\n")
        print("\n".join(describe_set({row: found[row] for row in ROWS if row in found})))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/early-exit-accuracy"))
