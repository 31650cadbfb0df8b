from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper

from edgekit_export.exportable import Normalisation
from edgekit_export.passes.driver import run_passes
from edgekit_export.passes.frame_input import FrameInput
from edgekit_runtime.errors import UsageProblem
from tests.export.graphs import make_graph, ops, run

COLOUR = Normalisation((0.4, 0.5, 0.3), (0.2, 0.25, 0.5), scale=200.0)


def identity(channels: int) -> ir.Model:
    """An image that comes out as it went in, so that outputs are the normalised image."""
    shape = ["N", channels, 4, 5]
    return make_graph([helper.make_node("Relu", ["image"], ["y"])], {"image": shape}, {"y": shape}, {})


def frames(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def normalised(planes: np.ndarray, numbers: Normalisation) -> np.ndarray:
    mean, std = (np.array(item, np.float64).reshape(1, -1, 1, 1) for item in (numbers.mean, numbers.std))
    return (planes.astype(np.float64) / numbers.scale - mean) / std


def test_grey_frame():
    numbers = Normalisation((0.3,), (0.2,))
    frame = frames(2, 4, 5)
    model = run_passes(identity(1), [FrameInput(numbers, "grey", image="image")], {"frame": frame})
    (entry,) = model.graph.inputs
    assert (entry.name, entry.dtype, list(entry.shape)) == ("frame", ir.DataType.UINT8, ["N", 4, 5])
    # TensorRT takes uint8 only where it is cast at once.
    assert ops(model)[:2] == ["Cast", "Unsqueeze"]
    wanted = np.maximum(normalised(frame[:, None], numbers), 0)
    np.testing.assert_allclose(run(model, frame=frame)["y"], wanted, atol=1e-6)


def test_deep_frames_are_cast_from_int32_and_none_of_16_bits_is_rounded():
    step = FrameInput(Normalisation((0.0,), (1.0,), scale=1.0), "grey", image="image", graph_type="int32")
    frame = np.random.default_rng(0).integers(0, 65536, (2, 4, 5), np.int32)
    model = run_passes(identity(1), [step], {"frame": frame})
    assert model.graph.inputs[0].dtype == ir.DataType.INT32
    np.testing.assert_array_equal(run(model, frame=frame)["y"], frame[:, None])


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_colour_frame_in_the_order_of_the_network(order):
    frame = frames(2, 4, 5, 3)
    model = run_passes(identity(3), [FrameInput(COLOUR, order, image="image")], {"frame": frame})
    assert list(model.graph.inputs[0].shape) == ["N", 4, 5, 3]
    wanted = np.maximum(normalised(frame.transpose(0, 3, 1, 2), COLOUR), 0)
    np.testing.assert_allclose(run(model, frame=frame)["y"], wanted, atol=1e-6)


def test_an_image_that_was_called_frame_already():
    shape = ["N", 1, 4, 5]
    model = make_graph([helper.make_node("Relu", ["frame"], ["y"])], {"frame": shape}, {"y": shape}, {})
    step = FrameInput(Normalisation((0.0,), (1.0,)), "grey", image="frame")
    model = run_passes(model, [step], {"frame": frames(1, 4, 5)})
    assert ops(model)[-1] == "Relu"
    assert model.graph.inputs[0].dtype == ir.DataType.UINT8


@pytest.mark.parametrize(
    ("channels", "step"),
    [
        (3, FrameInput(COLOUR, "grey", image="image")),
        (1, FrameInput(Normalisation((0.1, 0.2), (1.0,)), "grey", image="image")),
        (1, FrameInput(Normalisation((0.1,), (1.0,)), "grey", image="other")),
    ],
)
def test_what_does_not_fit_is_refused_by_name(channels, step):
    model = identity(channels)
    with pytest.raises(UsageProblem, match="frame_input"):
        step_feeds = {"frame": frames(1, 4, 5)}
        # The first run needs what the graph takes before the pass.
        step.feeds_before = lambda feeds: {"image": np.zeros((1, channels, 4, 5), np.float32)}
        run_passes(model, [step], step_feeds)
