"""Peers of a bundle, each at its best: its own runtime, then OpenCV's labelling, from the same frames to regions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.benching.engines import ENGINES, Run
from edgekit.benching.graphs import Graph, export_plainly, feed_frames, read_own_graphs
from edgekit.benching.labelling import Label, describe_labelling, read_stats, tune_labelling
from edgekit.benching.networks import NoNetwork, PeerNetwork, find_network
from edgekit.benching.preparing import PREPARATIONS, Prepare, list_preparations
from edgekit.benching.torch_peer import list_torch_settings, open_torch
from edgekit_benchmarks.calibration import Settings, Tuned, tune
from edgekit_benchmarks.contestants import Answer, Contestant, Frames
from edgekit_benchmarks.subjects import find_check_thresholds
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import UsageProblem

Masks = npt.NDArray[np.uint8]
Thresholds = Mapping[str, float]
Segment = Callable[[Frames, Thresholds], Masks]
"""Frames and thresholds → masks, uint8 (N, H, W)."""

PASSES = "+passes"
"""Ends the name of the row that runs the best graph of edgekit's own passes."""

SHARE_OF_LABELLING = 0.2
"""Of the time for trials; the rest is the engines'."""


@dataclass(frozen=True, eq=False)
class PeerPlan:
    """What all peers of a bundle share.

    Attributes:
        bundle: What is measured.
        batches: The frames of the measurement.
        threads: Threads of every peer.
        tuning_s: Time for each peer's trials.
        report: Receives one line per step.
        checkpoint: Folder of the bundle's weights; None looks for them.
    """

    bundle: Bundle
    batches: Sequence[Frames]
    threads: int
    tuning_s: float
    report: Callable[[str], None]
    checkpoint: Path | None = None


@dataclass(frozen=True, eq=False)
class _Row:
    """Graphs of which the best is taken, and what stands beside them in the report.

    `network` is the one that a plain graph was exported from: it says how frames become images. Other graphs take
    frames as they are.
    """

    suffix: str
    graphs: Mapping[str, Graph]
    weights: str
    network: PeerNetwork | None = None


def build_peers(names: Sequence[str], plan: PeerPlan) -> tuple[Contestant, ...]:
    """Return the peers of a bundle: for each runtime the plain export, and the best graph of edgekit's passes.

    Args:
        names: Of `PEERS`.
        plan: What they share.

    Raises:
        UsageProblem: If the bundle answers anything but masks of one class of defect by one stage.
        CheckpointError: If the named weights are not the bundle's.
        MissingDependency: If a package is missing.
    """
    if not names:
        return ()
    _require_masks(plan.bundle)
    network = find_network(plan.bundle, plan.checkpoint)
    labelling = _tune_labelling(plan)
    rows = _list_rows(network, plan) if set(names) - {"torch"} else []
    peers: list[Contestant] = []
    for name in names:
        plan.report(f"looking for the best settings of {name}")
        if name == "torch":
            peers.append(_build_torch(_require_network(network), plan, labelling))
        else:
            peers += [_build_engine(name, row, plan, labelling) for row in rows]
    return tuple(peers)


def _list_rows(network: PeerNetwork | NoNetwork, plan: PeerPlan) -> list[_Row]:
    own = read_own_graphs(plan.bundle, len(plan.batches[0]))
    rows = []
    if isinstance(network, PeerNetwork):
        plan.report("exporting the network as torch.onnx.export does by itself")
        plain = export_plainly(network, _image_shape(plan))
        rows.append(_Row("", {"plain": plain}, network.weights, network))
    else:
        plan.report(f"note: The peers run the bundle's own graph: {network.reason}.")
        if own:
            rows.append(_Row("", {"bundle": own["bundle"]}, f"the bundle's own: {network.reason}"))
    if own:
        rows.append(_Row(PASSES, own, "the bundle's own"))
    return rows


def _image_shape(plan: PeerPlan) -> tuple[int, int, int, int]:
    contract = plan.bundle.manifest.input
    channels = 1 if contract.pixels.channels == "grey" else 3
    return len(plan.batches[0]), channels, contract.height, contract.width


def _require_masks(bundle: Bundle) -> None:
    manifest = bundle.manifest
    if manifest.model.task != "segment" or len(manifest.model.classes) != 2 or len(manifest.stages) != 1:
        raise UsageProblem(
            f"Peers answer masks of one class of defect; the bundle {manifest.name!r} does not.",
            remedy="Measure it without --against.",
        )


def _require_network(network: PeerNetwork | NoNetwork) -> PeerNetwork:
    if isinstance(network, NoNetwork):
        raise UsageProblem(
            f"torch cannot be a peer: {network.reason}.",
            remedy="Name the bundle's weights with --checkpoint DIR, or leave torch out of --against.",
        )
    return network


def _tune_labelling(plan: PeerPlan) -> Tuned[Label]:
    manifest = plan.bundle.manifest
    masks = [plan.bundle.read_array(sample.outputs[str(manifest.mask_output)]) for sample in manifest.golden]
    plan.report("looking for the fastest labelling of OpenCV")
    return tune_labelling(masks, threads=plan.threads, limit_s=plan.tuning_s * SHARE_OF_LABELLING)


def _build_engine(name: str, row: _Row, plan: PeerPlan, labelling: Tuned[Label]) -> Contestant:
    engine = ENGINES[name]
    network = row.network

    def build(settings: Settings) -> Segment:
        run = engine.open(row.graphs[settings["graph"]].data, settings)
        if network is not None:
            return segment_plainly(plan, run, PREPARATIONS[settings["input"]](network.normalisation))
        return lambda frames, thresholds: np.asarray(
            run(feed_frames(plan.bundle, frames, thresholds)), np.uint8
        )

    ways = ["frames as they are"] if network is None else list_preparations(plan.bundle.manifest.input.pixels)
    axes = {"graph": list(row.graphs), **engine.axes(plan.threads), "input": ways}
    tuned = tune(build, _bind(plan), axes, limit_s=plan.tuning_s)
    graph = row.graphs[tuned.settings["graph"]].name
    settings = {key: value for key, value in tuned.settings.items() if key != "graph"}
    return _make_contestant(
        f"{name}{row.suffix}", tuned, {**settings, **engine.note()}, plan, labelling, graph, row.weights
    )


def _build_torch(network: PeerNetwork, plan: PeerPlan, labelling: Tuned[Label]) -> Contestant:
    def build(settings: Settings) -> Segment:
        run = open_torch(network, settings)
        prepare = PREPARATIONS[settings["input"]](network.normalisation)
        return segment_plainly(plan, lambda feeds: run(feeds["image"]), prepare)

    axes = {
        **list_torch_settings(plan.threads),
        "input": list_preparations(plan.bundle.manifest.input.pixels),
    }
    tuned = tune(build, _bind(plan), axes, limit_s=plan.tuning_s)
    # The module and torch's threads are as the last trial left them.
    best = Tuned(build(tuned.settings), tuned.settings, tuned.tried)
    return _make_contestant(
        "torch",
        best,
        best.settings,
        plan,
        labelling,
        "the module itself, eager, inference mode",
        network.weights,
    )


def segment_plainly(plan: PeerPlan, run: Run, prepare: Prepare) -> Segment:
    """Return frames → masks by a network that takes images and answers logits (N, 1, H, W).

    A probability of 0.5 is the logit 0: nobody needs a sigmoid to threshold at it.
    """
    name = plan.bundle.manifest.thresholds[0].name

    def segment(frames: Frames, thresholds: Thresholds) -> Masks:
        logits = run({"image": prepare(frames)})
        return (logits[:, 0] >= np.float32(thresholds[name])).view(np.uint8)

    return segment


def _bind(plan: PeerPlan) -> Callable[[Segment], Callable[[int], object]]:
    defaults = read_defaults(plan.bundle)
    return lambda segment: lambda number: segment(plan.batches[number % len(plan.batches)], defaults)


def read_defaults(bundle: Bundle) -> Thresholds:
    """Return the thresholds of a bundle by name, at which it is timed."""
    return {threshold.name: threshold.default for threshold in bundle.manifest.thresholds}


def _make_contestant(
    title: str,
    tuned: Tuned[Segment],
    settings: Settings,
    plan: PeerPlan,
    labelling: Tuned[Label],
    graph: str,
    weights: str,
) -> Contestant:
    segment, label = tuned.made, labelling.made
    defaults, others = read_defaults(plan.bundle), find_check_thresholds(plan.bundle.manifest)

    def answer(frames: Frames, thresholds: Thresholds) -> tuple[Masks, list[Any]]:
        masks = segment(frames, thresholds)
        return masks, [label(mask) for mask in masks]

    def read(answered: tuple[Masks, list[Any]]) -> Sequence[Answer]:
        # An engine may answer in memory that its next call writes over.
        return [Answer(mask.copy(), read_stats(stats)) for mask, stats in zip(*answered, strict=True)]

    return Contestant(
        name=title,
        call=lambda frames: answer(frames, defaults),
        read=read,
        check=None if others is None else lambda frames: read(answer(frames, others)),
        graph=graph,
        weights=weights,
        settings={**settings, "regions": describe_labelling(labelling.settings)},
        tried=tuned.tried + labelling.tried,
    )
