from __future__ import annotations

import numpy as np
import pytest

from edgekit_export.execution import ChainRunner, GraphError, GraphRunner


@pytest.mark.parametrize("count", [1, 3, 9])
def test_any_number_of_frames_runs_in_a_dynamic_batch(built_segmenter, grey_frames, count):
    chain = ChainRunner(built_segmenter.graphs, batch=None)
    frames = np.stack([grey_frames[index % 3] for index in range(count)])
    masks = chain.run(frames, {"threshold": 0.0})["mask"]
    assert masks.shape == (count, 32, 48)
    for index in range(count):
        np.testing.assert_array_equal(masks[index], masks[index % 3])


def test_a_fixed_batch_is_filled_up(segmenter, grey, grey_frames, built_segmenter):
    from tests.export.building import build

    fixed = ChainRunner(build(segmenter, grey, grey_frames, classes=1, batch=2).graphs, batch=2)
    dynamic = ChainRunner(built_segmenter.graphs, batch=None)
    wanted = dynamic.run(grey_frames, {"threshold": 0.3})["mask"]
    np.testing.assert_array_equal(fixed.run(grey_frames, {"threshold": 0.3})["mask"], wanted)


def test_stages_hand_their_outputs_on(built_classifier, grey_frames):
    outputs = ChainRunner(built_classifier.graphs, batch=None).run(grey_frames)
    assert {name: array.shape for name, array in outputs.items()} == {
        "features": (3, 4, 16, 24),
        "p1": (3, 3),
        "p2": (3, 3),
    }


def test_signature(built_segmenter):
    runner = GraphRunner(built_segmenter.graphs[0], optimise=True)
    assert runner.signature() == {
        "frame": ("uint8", ("N", 32, 48)),
        "threshold": ("float32", ()),
        "mask": ("uint8", ("N", 32, 48)),
    }


def test_what_onnxruntime_refuses_is_one_error(built_segmenter):
    with pytest.raises(GraphError):
        GraphRunner(b"no graph", optimise=True)
    runner = GraphRunner(built_segmenter.graphs[0], optimise=True)
    with pytest.raises(GraphError):
        runner.run({"frame": np.zeros((1, 8, 8), np.uint8), "threshold": np.array(0.0, np.float32)})
