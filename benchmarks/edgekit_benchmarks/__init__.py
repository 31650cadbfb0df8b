"""Measuring bundles: method, statistics, documents and reports. Never imported by what it measures.

The caller opens a detector, builds peers as `Contestant`s and hands both to `measure_run`; see benchmarks/README.md
for the method.
"""

from edgekit_benchmarks.comparing import Change, compare_documents
from edgekit_benchmarks.contestants import Answer, Contestant
from edgekit_benchmarks.documents import BenchDocument, Run, read_document, render_document
from edgekit_benchmarks.gates import Gates, parse_gates, require_gates
from edgekit_benchmarks.machine import Environment, describe_environment, read_load
from edgekit_benchmarks.measuring import Conditions, Tools, measure_run
from edgekit_benchmarks.profiles import PROFILES, Profile, find_profile
from edgekit_benchmarks.subjects import read_batches

__all__ = [
    "PROFILES",
    "Answer",
    "BenchDocument",
    "Change",
    "Conditions",
    "Contestant",
    "Environment",
    "Gates",
    "Profile",
    "Run",
    "Tools",
    "compare_documents",
    "describe_environment",
    "find_profile",
    "measure_run",
    "parse_gates",
    "read_batches",
    "read_document",
    "read_load",
    "render_document",
    "require_gates",
]
