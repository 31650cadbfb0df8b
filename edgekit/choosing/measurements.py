"""What models do and how long they take: one row per model, set and backend, read from documents that measured it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgekit_runtime.bundle.decoding import DecodingError, decode, encode
from edgekit_runtime.errors import UsageProblem

Document = Mapping[str, Any]

EVAL, BENCH = "edgekit.eval/1", "edgekit.bench/1"


@dataclass(frozen=True)
class Quality:
    """Figures of a network on a set; shares are means over the runs, None where they were not measured.

    Attributes:
        data: The set and its part.
        images: Images of each run's part.
        runs: Trainings, each with its own split.
        recall: Share of the true defects that were found.
        miou: Mean IoU of the pixels.
        escape: Share of the defective images that were accepted.
        overkill: Share of the defect-free images that were rejected.
        min_area_px: Found regions below did not count.
        command: What measured it.
        sources: Files that hold it.
    """

    data: str
    images: int
    runs: int
    recall: float | None
    miou: float | None
    escape: float | None
    overkill: float | None
    min_area_px: int | None
    command: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Speed:
    """The time of one frame.

    Attributes:
        ms: Median, in milliseconds.
        scope: From what to what, such as "frame to regions".
        height: Rows of the frame.
        width: Columns of the frame.
        backend: What ran it.
        machine: On what.
        threads: Of the backend; None where that was left to it.
        taken: The day, as YYYY-MM-DD.
        command: What measured it.
        source: The file that holds it.
    """

    ms: float
    scope: str
    height: int
    width: int
    backend: str
    machine: str
    threads: int | None
    taken: str
    command: str
    source: str


@dataclass(frozen=True)
class Measurement:
    """A model on a set, with its speed on a machine.

    Attributes:
        model: Its name, as `edgekit models` lists it.
        precision: Of both figures.
        quality: What it does.
        speed: How long a frame takes.
        own: Whether it comes from documents of the person who asks, and not with edgekit.
    """

    model: str
    precision: str
    quality: Quality
    speed: Speed
    own: bool = False


def pair_documents(documents: Iterable[tuple[str, Document]]) -> list[Measurement]:
    """Return the rows that `edgekit eval --json` and `edgekit bench --json` of the same bundles give.

    Args:
        documents: (file name, document); of one bundle, which is known by its digest.

    Raises:
        UsageProblem: If a document is of neither kind or not complete, or has no partner of the same digest.
    """
    named = list(documents)
    try:
        # Through the types of the table that ships: a figure that is no number is found here, and not by a chart.
        return [decode(Measurement, encode(row), "row") for row in _pair(named)]
    except (AttributeError, IndexError, KeyError, TypeError, DecodingError) as error:
        raise UsageProblem(
            f"{', '.join(name for name, _ in named)}: a figure is missing, or not what it should be ({error}).",
            remedy="Give the documents as `edgekit eval BUNDLE --json` and `edgekit bench BUNDLE --json` print them.",
        ) from error


def _pair(documents: Sequence[tuple[str, Document]]) -> list[Measurement]:
    evaluated: list[tuple[str, Document]] = []
    timed: dict[str, list[tuple[str, Document, Document]]] = {}
    for name, document in documents:
        schema = document.get("schema")
        if schema == EVAL:
            evaluated.append((name, document))
        elif schema == BENCH:
            for run in document["runs"]:
                timed.setdefault(run["subject"]["digest"], []).append((name, document, run["subject"]))
        else:
            raise UsageProblem(
                f"{name} is neither {EVAL} nor {BENCH}.",
                remedy="Give what `edgekit eval BUNDLE --json` and `edgekit bench BUNDLE --json` print.",
            )
    rows = []
    for name, document in evaluated:
        partners = timed.get(document["digest"], [])
        if not partners:
            raise UsageProblem(
                f"{name} measured the bundle {document['digest'][:12]}, and no document says how fast that is.",
                remedy="Add what `edgekit bench` prints of the same bundle; a checkpoint has no speed.",
            )
        for file, bench, subject in partners:
            quality = read_quality(document, command=f"edgekit eval {document['target']}", source=name)
            rows.append(
                Measurement(subject["model"], subject["precision"], quality, read_speed(bench, subject, file))
            )
    return rows


def read_quality(document: Document, *, command: str, source: str) -> Quality:
    """Return the figures of an `edgekit.eval/1` document of a network that segments."""
    if document["task"] != "segment":
        raise UsageProblem(
            f"{source} measured a network that classifies; the comparison is of those that segment.",
            remedy="Leave the document out.",
        )
    return summarise_quality(
        [document["metrics"]],
        data=f"{document['data']}, {document['split']} part",
        command=command,
        sources=(source,),
    )


def summarise_quality(
    metrics: Sequence[Document], *, data: str, command: str, sources: Sequence[str]
) -> Quality:
    """Return the means over several runs, each the metrics of `edgekit eval`."""

    def mean(*keys: str) -> float | None:
        values = []
        for one in metrics:
            value: Any = one
            for key in keys:
                value = value[key]
            values.append(value)
        return None if None in values else sum(values) / len(values)

    return Quality(
        data=data,
        images=metrics[0]["images"],
        runs=len(metrics),
        recall=mean("defect_level", "recall"),
        miou=mean("miou"),
        escape=mean("image_level", "escape", "rate"),
        overkill=mean("image_level", "overkill", "rate"),
        min_area_px=metrics[0]["min_area_px"],
        command=command,
        sources=tuple(sources),
    )


def read_speed(document: Document, subject: Document, source: str) -> Speed:
    """Return the speed of one subject of an `edgekit.bench/1` document."""
    environment = document["environment"]
    return Speed(
        ms=subject["latency_ms"]["p50"],
        scope="frame to regions",
        height=subject["height"],
        width=subject["width"],
        backend=subject["backend"],
        machine=f"{environment['cpu']}, {environment['cores_usable']} cores",
        threads=environment["threads"],
        taken=environment["taken"][:10],
        command=environment["command"],
        source=source,
    )
