"""Comparing documents: alike or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit_benchmarks.comparing import compare_documents
from edgekit_benchmarks.documents import Run
from edgekit_runtime.errors import EnvironmentMismatch, UsageProblem
from tests.benchmarks.building import make_document, make_environment, make_latency, make_subject


def compare(before, after):  # type: ignore[no-untyped-def]
    return compare_documents(before, after, np.random.default_rng(0))


def test_a_faster_backend_is_seen() -> None:
    before = make_document(
        Run(make_subject(backend="onnxruntime", latency_ms=make_latency(typical_ms=5)), ())
    )
    after = make_document(
        Run(make_subject(backend="fused", latency_ms=make_latency(typical_ms=1, seed=3)), ())
    )
    (change,) = compare(before, after)
    assert (change.before_backend, change.after_backend) == ("onnxruntime", "fused")
    assert change.ratio.low < 5 < change.ratio.high
    assert change.ratio.low > 4.5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cpu": "Cortex-A78AE"}, "cpu is AMD EPYC and Cortex-A78AE"),
        ({"governor": "powersave"}, "governor is not known and powersave"),
        ({"threads": None}, "threads is 2 and not known"),
        ({"rate_hz": 25.0}, "rate_hz"),
        (
            {"packages": {**make_environment().packages, "onnxruntime": "1.30.0"}},
            "onnxruntime is 1.31.1 and 1.30.0",
        ),
        (
            {"packages": {"edgekit": "0.1.0", "onnxruntime": "1.31.1", "torch": "2.13"}},
            "torch is not installed and 2.13",
        ),
    ],
)
def test_unlike_environments_are_refused_and_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises(EnvironmentMismatch) as raised:
        compare(make_document(), make_document(**changes))
    assert words in raised.value.message


def test_what_a_comparison_is_about_may_differ() -> None:
    packages = {**make_environment().packages, "edgekit": "0.2.0"}
    (change,) = compare(make_document(), make_document(packages=packages, load_before=1.5, taken="later"))
    assert change.ratio.median == 1


def test_other_bundles_batches_and_devices_are_not_held_against_each_other() -> None:
    for changes in ({"digest": "cd" * 32}, {"batch": 2}, {"device": "cpu"}):
        with pytest.raises(UsageProblem, match="no bundle in common"):
            compare(make_document(), make_document(Run(make_subject(**changes), ())))


def test_bundles_that_only_one_document_has_are_left_out() -> None:
    both, alone = Run(make_subject(), ()), Run(make_subject(digest="cd" * 32), ())
    assert len(compare(make_document(both), make_document(alone, both))) == 1
