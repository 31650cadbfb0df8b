"""What is measured: a bundle on a device, frame in → regions out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit_benchmarks.latency import LatencyReport, measure_latency
from edgekit_runtime import Detector
from edgekit_runtime.backends import BackendFactory
from edgekit_runtime.errors import UsageProblem


@dataclass(frozen=True)
class BenchRun:
    """One subject's figures.

    Attributes:
        bundle: Path of the bundle.
        digest: sha256 of its manifest, which vouches for every file.
        backend: Which backend ran.
        precision: The bundle's precision.
        provenance: Where the weights come from.
        batch: Frames per call.
        graph_batch: Frames that the graph runs at once; None where it is dynamic. A call with fewer is filled up.
        latency_ms: Of one call.
    """

    bundle: str
    digest: str
    backend: str
    precision: str
    provenance: str
    batch: int
    graph_batch: int | None
    latency_ms: LatencyReport

    def to_dict(self) -> dict[str, Any]:
        """Return the run as one entry of `edgekit.bench/1`."""
        subject = {
            "bundle": self.bundle,
            "digest": self.digest,
            "backend": self.backend,
            "precision": self.precision,
            "provenance": self.provenance,
            "batch": self.batch,
            "graph_batch": self.graph_batch,
            "latency_ms": self.latency_ms.to_dict(),
        }
        return {"subject": subject, "against": []}


def bench_bundle(
    path: Path,
    *,
    device: str = "auto",
    backend: str | BackendFactory = "auto",
    threads: int | None = None,
    warmup: int = 20,
    samples: int = 200,
) -> BenchRun:
    """Measure a bundle on the frame of its first golden sample, from frame in to regions out.

    Args:
        path: The bundle.
        device: "auto", "cpu", "cuda", "cuda:N" or "jetson".
        backend: "auto", the name of a backend, or a factory.
        threads: Threads per run; None leaves the choice to the backend.
        warmup: Untimed calls.
        samples: Timed calls.

    Raises:
        UsageProblem: If the bundle holds no golden sample.
        ArtefactRefused: If the bundle is damaged.
    """
    with Detector(path, device=device, backend=backend, threads=threads) as detector:
        manifest = detector.manifest
        if not manifest.golden:
            raise UsageProblem(f"{path} holds no golden sample to run on.", remedy="Export the bundle again.")
        frame = detector.bundle.read_array(manifest.golden[0].frame)
        report = measure_latency(lambda: detector(frame), warmup=warmup, samples=samples)
        return BenchRun(
            bundle=str(path),
            digest=detector.bundle.digest,
            backend=detector.backend.name,
            precision=manifest.precision,
            provenance=manifest.provenance.kind,
            batch=1,
            graph_batch=manifest.input.batch,
            latency_ms=report,
        )
