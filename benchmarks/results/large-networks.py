"""A network that is too large for `edgekit bench --against` on a machine of 24 GB: one peer, one setting, few calls.

    python benchmarks/results/large-networks.py cheapnet-l.edgekit onnxruntime --threads 2 --write cheapnet-l.json

`edgekit bench` tries many settings of each peer, and holds several of its sessions at once; one of CheapNet-L takes
6 GB. Here the peer runs the plain export with its usual settings, in turn with `fused`, frame in → regions out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from edgekit.benching.engines import ENGINES
from edgekit.benching.graphs import export_plainly
from edgekit.benching.networks import PeerNetwork, find_network
from edgekit_benchmarks.interleaving import Schedule, measure_interleaved
from edgekit_benchmarks.ratios import measure_ratio
from edgekit_runtime import Bundle, Detector
from edgekit_runtime.platforms import describe_platform

USUAL = {
    "onnxruntime": {"graph level": "all", "execution": "sequential", "spinning": "1"},
    "openvino": {"pinning": "yes"},
}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("peer", choices=sorted(USUAL))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    bundle = Bundle.open(arguments.bundle)
    sample = bundle.manifest.golden[0]
    frame = bundle.read_array(sample.frame)
    threshold = next(iter(sample.thresholds.values()))
    network = find_network(bundle, None)
    assert isinstance(network, PeerNetwork)
    settings = {**USUAL[arguments.peer], "threads": str(arguments.threads)}
    run = ENGINES[arguments.peer].open(export_plainly(network, (1, 1, *frame.shape)).data, settings)
    mean, std, scale = (
        network.normalisation.mean[0],
        network.normalisation.std[0],
        network.normalisation.scale,
    )

    def answer_peer(_: int = 0) -> np.ndarray:
        image = ((frame.astype(np.float32) / scale - mean) / std).astype(np.float32)
        mask = (run({"image": image[None, None]})[0, 0] >= threshold).astype(np.uint8)
        cv2.connectedComponentsWithStats(mask)
        return mask

    with Detector(
        bundle, backend="fused", threads=arguments.threads, thresholds=dict(sample.thresholds)
    ) as detector:
        differing = int(np.sum(answer_peer() != detector(frame).mask))
        calls = {arguments.peer: answer_peer, "fused": lambda _: detector(frame)}
        schedule = Schedule(rounds=arguments.rounds, block=1, settling=0, limit_s=1e9)
        rounds = measure_interleaved(calls, schedule, generator=np.random.default_rng(0))
    document = {
        "command": " ".join(["python benchmarks/results/large-networks.py", *sys.argv[1:]]),
        "bundle": bundle.manifest.name,
        "digest": bundle.digest,
        "provenance": bundle.manifest.provenance.kind,
        "settings": settings,
        "differing_px": differing,
        "median_ms": {
            name: round(statistics.median(call for block in blocks for call in block), 3)
            for name, blocks in rounds.items()
        },
        "ratio": asdict(measure_ratio(rounds[arguments.peer], rounds["fused"], np.random.default_rng(0))),
        "rounds_ms": rounds,
        "environment": describe_platform(),
    }
    text = json.dumps(document, indent=1)
    print(text)
    if arguments.write:
        arguments.write.write_text(text + "\n")


if __name__ == "__main__":
    main()
