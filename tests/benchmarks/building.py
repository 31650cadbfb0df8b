"""A clock that tests turn, and documents with the figures that a test asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit_benchmarks.agreement import Agreement
from edgekit_benchmarks.cold_start import ColdStart
from edgekit_benchmarks.documents import SCHEMA, Against, BenchDocument, MeasuredSubject, Run
from edgekit_benchmarks.machine import Environment
from edgekit_benchmarks.percentiles import Latency, summarise_latency
from edgekit_benchmarks.phases import Phases
from edgekit_benchmarks.ratios import measure_ratio
from edgekit_benchmarks.roofline import Roofline
from edgekit_benchmarks.sampling import WarmUp


class Clock:
    """Seconds that pass only where somebody says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def make_latency(*, rounds: int = 20, block: int = 4, typical_ms: float = 1.0, seed: int = 0) -> Latency:
    times = typical_ms * np.random.default_rng(seed).uniform(0.9, 1.1, (rounds, block))
    return summarise_latency([tuple(row) for row in times.tolist()])


def make_subject(**changes: object) -> MeasuredSubject:
    subject = MeasuredSubject(
        bundle="line.edgekit",
        digest="ab" * 32,
        name="line",
        model="cheapnet-s",
        backend="fused",
        precision="fp32",
        provenance="trained",
        device="auto",
        batch=1,
        graph_batch=None,
        height=512,
        width=512,
        macs=10_448_896,
        frames=3,
        latency_ms=make_latency(),
        warm_up=WarmUp(10, 0.01, True, 0.001),
        phases=Phases(3.0, 0.02, 0.8, 0.1, 0.01, 64),
        paced=None,
        cold_start=ColdStart(700.0, 100.0, 500.0, 2.0, 1.0, 160 << 20, 33 << 20, 1),
    )
    return replace(subject, **changes)  # type: ignore[arg-type]


def make_peer(name: str = "openvino", *, typical_ms: float = 6.0, ok: bool = True) -> Against:
    latency = make_latency(typical_ms=typical_ms, seed=1)
    ratio = measure_ratio(latency.rounds_ms, make_latency().rounds_ms, np.random.default_rng(0))
    return Against(
        name=name,
        graph="plain torch.onnx.export",
        weights="the demo weights that ship",
        settings={"threads": "2"},
        tried=5,
        agreement=Agreement(ok, "0 of 786,432 px differ", 3, 786432, 0, 1000, 1.0),
        latency_ms=latency if ok else None,
        ratio=ratio if ok else None,
        warm_up=WarmUp(10, 0.1, True, 0.006) if ok else None,
        paced=None,
    )


def make_environment(**changes: object) -> Environment:
    environment = Environment(
        taken="2026-11-21T12:00:00+00:00",
        command="edgekit bench line.edgekit",
        os="Debian GNU/Linux 12",
        kernel="6.1.0",
        machine="x86_64",
        cpu="AMD EPYC",
        cores_usable=2,
        threads_per_core=1,
        governor=None,
        frequency_mhz=2596.0,
        caches={"L1d": 32768, "L2": 1 << 20},
        memory_bytes=24 << 30,
        load_before=0.1,
        load_after=1.0,
        threads=2,
        profile="quick",
        rate_hz=None,
        python="3.11.7",
        numpy="2.4.6",
        packages={"edgekit": "0.1.0", "onnxruntime": "1.31.1", "torch": None},
        jetson=None,
        roofline=Roofline(2, 24.0, 220.0),
    )
    return replace(environment, **changes)  # type: ignore[arg-type]


def make_document(*runs: Run, **changes: object) -> BenchDocument:
    return BenchDocument(
        SCHEMA, runs or (Run(make_subject(), (make_peer(),)),), (), make_environment(**changes)
    )
