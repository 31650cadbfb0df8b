"""The document `edgekit.bench/1`: everything that was measured, every sample included, and where."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from edgekit_benchmarks.agreement import Agreement
from edgekit_benchmarks.cold_start import ColdStart
from edgekit_benchmarks.machine import Environment
from edgekit_benchmarks.pacing import Paced
from edgekit_benchmarks.percentiles import Latency
from edgekit_benchmarks.phases import Phases
from edgekit_benchmarks.ratios import Ratio
from edgekit_benchmarks.sampling import WarmUp
from edgekit_benchmarks.scaling import CostFit
from edgekit_benchmarks.subjects import Subject
from edgekit_runtime.bundle.canonical_json import JsonError, parse_json
from edgekit_runtime.bundle.decoding import DecodingError, decode, encode
from edgekit_runtime.errors import IoFault, UnusableInput, UsageProblem

SCHEMA = "edgekit.bench/1"
LARGEST_BYTES = 64 << 20


@dataclass(frozen=True)
class MeasuredSubject(Subject):
    """What is measured, and its figures.

    Attributes:
        latency_ms: Of one call, frame in → regions out, in a tight loop.
        warm_up: What came before.
        phases: Where the time goes.
        paced: At the rate of a line; None where no rate was given.
        cold_start: In fresh processes; None where the backend has no name to start it by.
    """

    latency_ms: Latency
    warm_up: WarmUp
    phases: Phases
    paced: Paced | None
    cold_start: ColdStart | None


@dataclass(frozen=True)
class Against:
    """A peer, measured in turn with the subject.

    Attributes:
        name: Such as "onnxruntime"; with "+passes" for the best graph that edgekit's own passes make for it.
        graph: What it runs, in words.
        weights: Whose weights, in words; "" for the bundle's own.
        settings: What was found to be its best settings.
        tried: How many were tried.
        agreement: How its answers compare with the subject's.
        latency_ms: Of one call; None where the answers do not agree.
        ratio: Its time over the subject's; None as above.
        warm_up: What came before; None as above.
        paced: At the rate of a line; None without a rate, or as above.
    """

    name: str
    graph: str
    weights: str
    settings: dict[str, str]
    tried: int
    agreement: Agreement
    latency_ms: Latency | None
    ratio: Ratio | None
    warm_up: WarmUp | None
    paced: Paced | None


@dataclass(frozen=True)
class Run:
    """One subject and its peers."""

    subject: MeasuredSubject
    against: tuple[Against, ...]


@dataclass(frozen=True)
class BenchDocument:
    """All runs of one call.

    Attributes:
        schema: "edgekit.bench/1".
        runs: In the order in which they were measured.
        scaling: What size costs, where enough sizes were measured.
        environment: Where.
    """

    schema: str
    runs: tuple[Run, ...]
    scaling: tuple[CostFit, ...]
    environment: Environment


def render_document(document: BenchDocument) -> str:
    """Return the document as JSON, ASCII; lists of numbers stand on one line each."""
    text = json.dumps(encode(document), indent=2, allow_nan=False)
    # Only structure holds line breaks: those within strings are escaped.
    return re.sub(r"\[\n\s+([-+.\deE,\s]+?)\n\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text)


def read_document(path: Path) -> BenchDocument:
    """Read a document from a file.

    Raises:
        UsageProblem: If there is no such file.
        UnusableInput: If it is not such a document.
        IoFault: If it cannot be read.
    """
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UsageProblem(
            f"There is no file {path}.", remedy="Name what `edgekit bench --json` wrote."
        ) from error
    except OSError as error:
        raise IoFault(f"{path} cannot be read: {error.strerror}.") from error
    try:
        data = parse_json(raw, max_bytes=LARGEST_BYTES)
        schema = data.get("schema") if isinstance(data, dict) else None
        if schema != SCHEMA:
            raise DecodingError(f"has the schema {schema!r}; this edgekit reads {SCHEMA!r}")
        return decode(BenchDocument, data, "document")
    except (JsonError, DecodingError) as error:
        raise UnusableInput(
            f"{path} is no document of a benchmark: {error}.",
            remedy="Measure anew: edgekit bench BUNDLE --json > FILE.",
        ) from error
