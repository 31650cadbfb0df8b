"""Peers answer as the subject does, whatever their settings."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.benching.engines import ENGINES
from edgekit.benching.graphs import feed_frames, read_own_graphs
from edgekit.benching.networks import NoNetwork
from edgekit.benching.peers import PeerPlan, build_peers, read_defaults
from edgekit.benching.torch_peer import list_torch_settings
from edgekit.shipped import DEMO_BUNDLE
from edgekit_benchmarks.agreement import check_agreement
from edgekit_benchmarks.subjects import make_subject, read_batches
from edgekit_runtime import Bundle, Detector
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.testing import fake_bundle


def make_plan(bundle: Bundle, *, batch: int = 1, report: list[str] | None = None) -> PeerPlan:
    lines = report if report is not None else []
    return PeerPlan(
        bundle,
        read_batches(bundle, batch),
        threads=1,
        tuning_s=0.01,
        report=lines.append,
    )


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 2])
def test_all_peers_agree_with_the_subject(batch: int) -> None:
    pytest.importorskip("openvino")
    with Detector(DEMO_BUNDLE, backend="onnxruntime", threads=1) as detector:
        plan = make_plan(detector.bundle, batch=batch)
        peers = build_peers(("onnxruntime", "openvino", "torch"), plan)
        assert [peer.name for peer in peers] == [
            "onnxruntime",
            "onnxruntime+passes",
            "openvino",
            "openvino+passes",
            "torch",
        ]
        for peer in peers:
            agreement = check_agreement(make_subject(detector), peer, plan.batches)
            assert agreement.ok, (peer.name, agreement.detail)
            assert agreement.positive_px
            assert peer.tried > 5
        assert peers[0].graph.startswith("plain torch.onnx.export")
        assert "the demo weights that ship" in peers[0].weights
        assert peers[2].settings["precision"] == "f32"


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ENGINES))
def test_every_setting_of_every_engine_gives_the_golden_masks(name: str) -> None:
    pytest.importorskip(name)
    bundle = Bundle.open(DEMO_BUNDLE)
    graphs = read_own_graphs(bundle, 1)
    assert list(graphs) == ["bundle", "subpixel"]
    axes = ENGINES[name].axes(2)
    golden = bundle.manifest.golden[0]
    frames = bundle.read_array(golden.frame)[None]
    expected = bundle.read_array(golden.outputs["mask"])
    for graph, values in itertools.product(graphs.values(), itertools.product(*axes.values())):
        run = ENGINES[name].open(graph.data, dict(zip(axes, values, strict=True)))
        mask = run(feed_frames(bundle, frames, read_defaults(bundle)))[0]
        # What export measured as undecided by rounding may fall either way.
        assert np.count_nonzero(mask != expected) <= golden.undecided_px, (graph.name, values)


def test_without_weights_the_bundles_own_graph_runs_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.benching.peers.find_network", lambda *_: NoNetwork("there are no weights"))
    report: list[str] = []
    peers = build_peers(("onnxruntime",), make_plan(Bundle.open(DEMO_BUNDLE), report=report))
    assert [peer.name for peer in peers] == ["onnxruntime", "onnxruntime+passes"]
    assert "there are no weights" in peers[0].weights
    assert peers[0].graph.startswith("the bundle's own graph")
    assert any("own graph: there are no weights" in line for line in report)
    with pytest.raises(UsageProblem, match="torch cannot be a peer"):
        build_peers(("torch",), make_plan(Bundle.open(DEMO_BUNDLE)))


def test_bundles_that_answer_otherwise_have_no_peers(tmp_path: Path) -> None:
    for number, changes in enumerate(({"task": "classify"}, {"classes": ("background", "hole", "stain")})):
        bundle = fake_bundle(tmp_path / f"{number}.edgekit", **changes)  # type: ignore[arg-type]
        with pytest.raises(UsageProblem, match="one class of defect"):
            build_peers(("onnxruntime",), make_plan(bundle))
        assert build_peers((), make_plan(bundle)) == ()


def test_a_graph_that_is_fixed_to_another_batch_is_not_run() -> None:
    bundle = Bundle.open(DEMO_BUNDLE)
    fixed = replace(bundle.manifest, input=replace(bundle.manifest.input, batch=4))
    assert read_own_graphs(Bundle(bundle.path, fixed, digest=""), 1) == {}


def test_one_thread_is_tried_beside_as_many_as_there_are() -> None:
    assert list_torch_settings(4)["threads"] == ("4", "1")
    assert list_torch_settings(1)["threads"] == ("1",)
    assert ENGINES["openvino"].axes(4)["threads"] == ("4", "1")


@pytest.mark.parametrize("kind", ["demo", "untrained"])
def test_random_weights_are_compared_at_a_golden_samples_threshold(kind: str) -> None:
    bundle = Bundle.open(DEMO_BUNDLE)
    provenance = replace(bundle.manifest.provenance, kind=kind)  # type: ignore[arg-type]
    golden = tuple(replace(sample, thresholds={"threshold": 1.0}) for sample in bundle.manifest.golden)
    changed = Bundle(bundle.path, replace(bundle.manifest, provenance=provenance, golden=golden), digest="")
    peer = build_peers(("onnxruntime",), make_plan(changed))[-1]
    assert (peer.check is None) is (kind == "demo")
    if peer.check is None:
        return
    frames = read_batches(changed, 1)[0]
    with Detector(changed, backend="onnxruntime", thresholds={"threshold": 1.0}) as detector:
        expected = detector(frames[0])
    (answer,) = peer.check(frames)
    np.testing.assert_array_equal(answer.mask, expected.mask)
    assert answer.regions is not None
    assert len(answer.regions) == len(expected.regions)
