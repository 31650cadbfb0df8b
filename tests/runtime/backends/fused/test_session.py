"""Sessions: any program, any size, any number of threads, the answers of exact arithmetic."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_export.fusing.program import Program
from edgekit_export.fusing.reference import evaluate_program
from edgekit_runtime.backends.fused.network import Network
from edgekit_runtime.backends.fused.session import Session
from edgekit_runtime.errors import EnvironmentMismatch
from tests.runtime.backends.fused.networks import cheapnet, fill_program, make_u, programs

REPOSITORY = Path(__file__).resolve().parents[4]
QUANTILES = (0.02, 0.3, 0.5, 0.7, 0.98)


def open_session(
    program: Program, height: int, width: int, threads: int = 1, frame_type: str = "uint8"
) -> Session:
    network = Network(program.info, height, width)
    return Session(network, program.weights, threads=threads, frame_type=frame_type)


def check(program: Program, frames: np.ndarray, threads: int = 1) -> float:
    """Every pixel that rounding cannot turn is as exact arithmetic has it, at thresholds all over the logits.

    Returns the largest share of pixels that rounding could turn.
    """
    undecided = 0.0
    exact = evaluate_program(program, frames)
    session = open_session(program, *frames.shape[1:], threads, frames.dtype.name)
    try:
        for threshold in np.quantile(exact.logits, QUANTILES).astype(np.float32):
            masks = session.run(frames, float(threshold))
            open_pixels = exact.find_undecided(float(threshold))
            different = (masks != exact.decide(float(threshold))) & ~open_pixels
            assert not different.any(), f"{different.sum()} px, first at {np.argwhere(different)[0]}"
            undecided = max(undecided, float(open_pixels.mean()))
    finally:
        session.close()
    return undecided


def draw_frames(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width), np.uint8)


@settings(max_examples=60, deadline=None)
@given(programs(), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_any_network_of_any_size(program: Program, rows: int, columns: int, threads: int) -> None:
    unit = 2 ** sum(
        operation.stride == 2 for operation in program.info.operations if operation.kind == "convolution"
    )
    unit = max(unit, 2)
    check(program, draw_frames(1, unit * rows, unit * columns), threads)


@pytest.mark.parametrize("size", [(16, 16), (48, 80), (16, 208)])
@pytest.mark.parametrize("threads", [1, 3])
def test_pixels_of_int32_are_those_of_uint8(size: tuple[int, int], threads: int) -> None:
    program, frames = cheapnet(2), draw_frames(2, *size)
    shallow, deep = (open_session(program, *size, threads, kind) for kind in ("uint8", "int32"))
    try:
        for threshold in np.quantile(evaluate_program(program, frames).logits, QUANTILES):
            expected = shallow.run(frames, float(threshold))
            np.testing.assert_array_equal(deep.run(frames.astype(np.int32), float(threshold)), expected)
    finally:
        shallow.close()
        deep.close()


def test_deep_pixels_are_as_exact_arithmetic_has_them() -> None:
    program = cheapnet(3)
    first = program.info.operations[0].name
    program.weights[f"{first}.weight"] = program.weights[f"{first}.weight"] / np.float32(256)
    frames = np.random.default_rng(0).integers(0, 65536, (2, 32, 48), np.int32)
    assert check(program, frames, threads=2) < 0.01


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8, 32])
@pytest.mark.parametrize("size", [(16, 16), (48, 80), (128, 64)])
def test_cheapnet_of_any_width(width: int, size: tuple[int, int]) -> None:
    assert check(cheapnet(width), draw_frames(2, *size), threads=2) < 0.01


@pytest.mark.parametrize("size", [(16, 1040), (1040, 16), (208, 336), (512, 512)])
def test_bands_meet_without_a_seam(size: tuple[int, int]) -> None:
    assert check(cheapnet(2), draw_frames(1, *size), threads=3) < 0.01


def test_threads_and_bands_change_nothing_but_the_order_of_sums() -> None:
    program, frames = cheapnet(8), draw_frames(1, 256, 256)
    masks = []
    for threads in (1, 2, 5):
        session = open_session(program, 256, 256, threads)
        masks.append(session.run(frames, 0.1))
        session.close()
    assert (masks[0] == masks[1]).all()
    assert (masks[0] == masks[2]).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_gives_what_its_frames_give_alone(threads: int) -> None:
    frames = draw_frames(37, 32, 48)
    session = open_session(cheapnet(4), 32, 48, threads)
    together = session.run(frames, 0.0)
    alone = np.concatenate([session.run(frame[np.newaxis], 0.0) for frame in frames])
    session.close()
    assert (together == alone).all()
    assert len(np.unique(together.sum(axis=(1, 2)))) > 10


def test_a_frame_leaves_nothing_behind() -> None:
    session = open_session(cheapnet(4), 64, 64)
    first, second = draw_frames(2, 64, 64)
    alone = session.run(first[np.newaxis], 0.0)
    session.run(second[np.newaxis], 0.0)
    assert (session.run(first[np.newaxis], 0.0) == alone).all()
    session.close()


def test_masks_outlive_the_next_run_and_frames_stay_as_they_are() -> None:
    session = open_session(cheapnet(4), 64, 64, threads=2)
    frames = draw_frames(3, 64, 64)
    before = frames.copy()
    masks = session.run(frames, 0.0)
    kept = masks.copy()
    session.run(255 - frames, 0.0)
    assert (masks == kept).all()
    assert (frames == before).all()
    assert frames.flags.writeable
    session.close()


def test_what_can_only_be_read_is_taken() -> None:
    session = open_session(cheapnet(2), 32, 32)
    frames = draw_frames(1, 32, 32)
    masks = session.run(frames, 0.0)
    frames.flags.writeable = False
    assert (session.run(frames, 0.0) == masks).all()
    session.close()


def test_more_memory_than_there_is_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", lambda _: 100)
    with pytest.raises(EnvironmentMismatch, match="GB of memory"):
        open_session(cheapnet(2), 64, 64)


def test_nan_is_a_defect() -> None:
    program = fill_program(make_u(2, depth=2))
    program.weights["logit.bias"][:] = np.nan
    session = open_session(program, 32, 48)
    assert session.run(draw_frames(1, 32, 48), 0.0).all()
    session.close()


def test_sessions_side_by_side_do_not_disturb_each_other() -> None:
    frames = draw_frames(4, 64, 96)
    expected = []
    for seed in range(3):
        session = open_session(cheapnet(4, seed=seed), 64, 96)
        expected.append(session.run(frames, 0.0))
        session.close()
    failures: list[int] = []

    def work(seed: int) -> None:
        session = open_session(cheapnet(4, seed=seed), 64, 96, threads=3)
        for _ in range(100):
            if not (session.run(frames, 0.0) == expected[seed]).all():
                failures.append(seed)
        session.close()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_callers_of_one_session_wait_for_each_other() -> None:
    frames = draw_frames(8, 64, 96)
    session = open_session(cheapnet(4), 64, 96, threads=2)
    expected = [session.run(frame[np.newaxis], 0.0) for frame in frames]
    failures: list[int] = []

    def work(index: int) -> None:
        for _ in range(50):
            if not (session.run(frames[index : index + 1], 0.0) == expected[index]).all():
                failures.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(frames))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.close()
    assert not failures


def test_helpers_that_never_come_cost_no_answer() -> None:
    """As after a fork, which copies no threads."""
    program, frames = cheapnet(4), draw_frames(1, 64, 64)
    session = open_session(program, 64, 64, threads=3)
    expected = session.run(frames, 0.0)
    session.close()
    assert (session.run(frames, 0.0) == expected).all()


def test_a_session_that_nobody_closed_ends_its_threads() -> None:
    before = threading.active_count()
    for _ in range(5):
        session = open_session(cheapnet(2), 16, 16, threads=3)
        session.run(draw_frames(1, 16, 16), 0.0)
        del session
    gc.collect()
    deadline = time.monotonic() + 20
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_a_process_that_was_forked_in_the_middle_of_a_frame_goes_on() -> None:
    code = """
import os, signal, threading, warnings
warnings.simplefilter("ignore")
import numpy as np
from tests.runtime.backends.fused.networks import cheapnet
from tests.runtime.backends.fused.test_session import draw_frames, open_session
session, frames = open_session(cheapnet(8), 256, 256, threads=2), draw_frames(4, 256, 256)
expected = session.run(frames, 0.0)
stop = threading.Event()
def work():
    while not stop.is_set():
        session.run(frames, 0.0)
threading.Thread(target=work, daemon=True).start()
for _ in range(5):
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        os._exit(0 if (session.run(frames, 0.0) == expected).all() else 1)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY, timeout=120)


def test_closing_while_another_thread_runs() -> None:
    frames = draw_frames(2, 32, 48)
    for _ in range(30):
        session = open_session(cheapnet(2), 32, 48, threads=3)
        failures: list[BaseException] = []

        def work(session: Session = session, failures: list[BaseException] = failures) -> None:
            try:
                for _ in range(20):
                    session.run(frames, 0.0)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        session.close()
        thread.join()
        assert not failures


def test_closing_twice() -> None:
    session = open_session(cheapnet(2), 16, 16, threads=2)
    session.close()
    session.close()
