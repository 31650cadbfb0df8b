"""The reference against torch's own convolutions in float64, and what follows from its bounds."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from edgekit_export.fusing.program import Program
from edgekit_export.fusing.reference import Evaluation, evaluate_program
from tests.export.fusing.random_programs import SIZE, programs


def run_torch(program: Program, frames: np.ndarray) -> np.ndarray:
    tensors = {"frame": torch.from_numpy(frames).double()[:, None] - program.info.frame_shift}
    for operation in program.info.operations:
        weight, bias = (
            torch.from_numpy(program.weights[f"{operation.name}.{part}"]).double()
            for part in ("weight", "bias")
        )
        joined = torch.cat([tensors[name] for name in operation.inputs], dim=1)
        if operation.kind == "head":
            total = F.conv2d(joined, weight[None, :, None, None], bias)
        elif operation.kind == "convolution":
            groups = joined.shape[1]
            total = F.conv2d(joined, weight[:, None], bias, operation.stride, padding=1, groups=groups)
        else:
            kernel = weight.reshape(joined.shape[1], 1, 3, 3)
            groups = operation.channels
            total = F.conv_transpose2d(joined, kernel, bias, 2, padding=1, output_padding=1, groups=groups)
        tensors[operation.name] = F.leaky_relu(total, operation.negative_slope)
    return tensors[program.info.operations[-1].name].numpy()


@settings(deadline=None, max_examples=100)
@given(programs(), st.integers(0, 1 << 16))
def test_it_is_torch_in_float64(program: Program, seed: int) -> None:
    frames = np.random.default_rng(seed).integers(0, 256, (2, *SIZE), np.uint8)
    wanted = run_torch(program, frames)
    got = evaluate_program(program, frames)
    assert got.logits.dtype == got.bounds.dtype == np.float64
    assert got.logits.shape == got.bounds.shape == (2, 1, *SIZE)
    # What float64 rounds is 2⁻²⁹ of what float32 does.
    assert (np.abs(got.logits - wanted) <= 2.0**-26 * got.bounds).all()


def test_pixels_within_the_bound_are_undecided_and_nan_is_too() -> None:
    logits = np.array([[[[-1.0, 0.5, 0.9, 1.0, 1.1, 9.0]]]])
    bounds = np.array([[[[0.5, 0.5, 0.2, 0.0, 0.05, np.nan]]]])
    answer = Evaluation(logits, bounds)
    assert answer.decide(1.0).tolist() == [[[0, 0, 0, 1, 1, 1]]]
    assert answer.find_undecided(1.0).tolist() == [[[False, True, True, True, False, True]]]
    assert answer.decide(1.0).dtype == np.uint8
    nothing = Evaluation(np.array([[[[np.nan]]]]), np.array([[[[0.1]]]]))
    assert nothing.decide(0.0).item() == 1  # NaN is a defect
    assert nothing.find_undecided(0.0).item()
