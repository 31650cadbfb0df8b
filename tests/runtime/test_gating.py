import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_runtime import Detector
from edgekit_runtime.backends import BackendOptions, Device
from edgekit_runtime.backends.onnxruntime_cpu import OnnxRuntimeCpu
from edgekit_runtime.execution import run_every_exit, run_stages
from edgekit_runtime.exits import ReplayExits, ThresholdExits, skip_exits
from edgekit_runtime.gating import fill_gaps
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.runtime.staged_graphs import HEIGHT, WIDTH, expected_probabilities, staged_bundle

NAN = float("nan")
MOST_EXITS = 4


class Forgetful(FakeBackend):
    """Spoils whatever a stage has carried on before as soon as it runs again, as the contract of a backend allows."""

    def _open_impl(self):
        self._given = {}
        self.moved = 0

    def _run_impl(self, stage, inputs):
        taken = {name: array.copy() for name, array in inputs.items()}
        for array in self._given.get(stage.name, ()):
            array[...] = 251
        outputs = super()._run_impl(stage, taken)
        self._given[stage.name] = [outputs[name] for name in stage.carries]
        return outputs

    def _keep_rows_impl(self, tensor, count, targets, sources):
        self.moved += len(targets)
        kept = super()._keep_rows_impl(tensor, count, targets, sources)
        tensor[count:] = 251
        return kept


def answer_by_number(probabilities):
    """Answer each row by its own number, which the frame's first two pixels hold and every stage carries on."""

    def answer(number, inputs):
        (source,) = inputs.values()
        if number == 1:
            rows = source[:, 0, 0].astype(int) + 256 * source[:, 0, 1].astype(int)
        else:
            rows = source[:, 0, 0].astype(int)
        told = {f"p{number}": probabilities[rows, number - 1]}
        if number < probabilities.shape[1]:
            told[f"features{number}"] = np.broadcast_to(rows[:, None, None], (len(rows), 2, 2))
        return told

    return {
        f"exit{number}": lambda inputs, number=number: answer(number, inputs)
        for number in range(1, probabilities.shape[1] + 1)
    }


def numbered(count):
    frames = np.zeros((count, 32, 32), np.uint8)
    frames[:, 0, 0], frames[:, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
    return frames


def gate_row_by_row(probabilities, thresholds):
    """Return exits, answers and low confidence by the rule of the paper, one row after the other."""
    exits, answers, low = [], [], []
    for row in probabilities:
        for number, (answer, threshold) in enumerate(zip(row, thresholds, strict=True), 1):
            sure = bool(np.all(np.isfinite(answer))) and max(answer) >= np.float32(threshold)
            if sure or number == len(thresholds):
                exits.append(number)
                answers.append(answer)
                low.append(not sure)
                break
    return exits, np.array(answers, np.float32), low


def assert_answers(answer, expected):
    exits, probabilities, low = expected
    assert answer.exits.tolist() == exits
    np.testing.assert_array_equal(answer.probabilities, probabilities)
    assert answer.low_confidence.tolist() == low


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """Fake bundles of three classes by (exits, fixed batch)."""
    folder = tmp_path_factory.mktemp("bundles")
    return {
        (exits, batch): fake_bundle(
            folder / f"{exits}-{batch}.edgekit", task="classify", exits=exits, batch=batch, classes="abc"
        )
        for exits in range(1, MOST_EXITS + 1)
        for batch in (None, 1, 3, 8)
    }


VALUES = st.one_of(
    st.sampled_from([0.0, 0.5, 0.75, 1.0, NAN, float("inf"), -float("inf")]), st.floats(0, 1, width=32)
)


@st.composite
def batches(draw):
    exits, rows = draw(st.integers(1, MOST_EXITS)), draw(st.integers(1, 20))
    flat = draw(st.lists(VALUES, min_size=rows * exits * 3, max_size=rows * exits * 3))
    probabilities = np.array(flat, np.float32).reshape(rows, exits, 3)
    thresholds = draw(st.lists(st.floats(0, 1), min_size=exits, max_size=exits))
    return probabilities, thresholds


@settings(max_examples=150, deadline=None)
@given(batches(), st.sampled_from([None, 1, 3, 8]), st.one_of(st.none(), st.integers(8, 25)))
def test_a_gated_batch_answers_as_one_row_after_the_other(bundles, drawn, batch, most_rows):
    probabilities, thresholds = drawn
    bundle = bundles[len(thresholds), batch]
    frames = numbered(len(probabilities))
    with Forgetful(bundle, answers=answer_by_number(probabilities), most_rows=most_rows) as backend:
        found = run_stages(backend, bundle.manifest, frames, exit_policy=ThresholdExits(thresholds))
        replayed = run_stages(backend, bundle.manifest, frames, exit_policy=ReplayExits(found.exits))
        every = run_every_exit(backend, bundle.manifest, frames)
    assert_answers(found, gate_row_by_row(probabilities, thresholds))
    np.testing.assert_array_equal(replayed.exits, found.exits)
    np.testing.assert_array_equal(replayed.probabilities, found.probabilities)
    np.testing.assert_array_equal(every, probabilities)


@settings(max_examples=60, deadline=None)
@given(batches(), st.integers(1, 7))
def test_a_batch_that_is_split_answers_the_same(bundles, drawn, most_rows):
    probabilities, thresholds = drawn
    bundle = bundles[len(thresholds), None]
    with Forgetful(bundle, answers=answer_by_number(probabilities), most_rows=most_rows) as backend:
        found = run_stages(
            backend,
            bundle.manifest,
            numbered(len(probabilities)),
            exit_policy=ThresholdExits(thresholds),
        )
        assert max(max(rows, default=0) for rows in backend.rows.values()) <= most_rows
    assert_answers(found, gate_row_by_row(probabilities, thresholds))


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Backends with real graphs by fixed batch, open."""
    folder = tmp_path_factory.mktemp("real")
    opened = {}
    for batch in (None, 5):
        bundle = staged_bundle(folder / f"{batch}.edgekit", batch=batch)
        opened[batch] = OnnxRuntimeCpu(bundle, BackendOptions(Device("cpu"), 1))
        opened[batch].open()
    yield opened
    for backend in opened.values():
        backend.close()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 255), min_size=1, max_size=17),
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
    st.sampled_from([None, 5]),
    st.one_of(st.none(), st.integers(5, 9)),
)
def test_real_graphs_answer_as_one_row_after_the_other(real, greys, thresholds, batch, most_rows):
    """Rows of these graphs do not meet, so that every number is the same to the last bit whatever runs beside it."""
    backend = real[batch]
    backend.most_rows = most_rows
    manifest = backend.bundle.manifest
    frames = np.repeat(np.array(greys, np.uint8), HEIGHT * WIDTH).reshape(-1, HEIGHT, WIDTH)
    alone = np.concatenate([run_every_exit(backend, manifest, frame[np.newaxis]) for frame in frames])
    np.testing.assert_allclose(alone, expected_probabilities(frames, 4), atol=1e-3)
    found = run_stages(backend, manifest, frames, exit_policy=ThresholdExits(thresholds))
    assert_answers(found, gate_row_by_row(alone, thresholds))
    replayed = run_stages(backend, manifest, frames, exit_policy=ReplayExits(found.exits))
    np.testing.assert_array_equal(replayed.probabilities, found.probabilities)
    np.testing.assert_array_equal(run_every_exit(backend, manifest, frames), alone)


def test_features_that_are_not_numbers_go_to_the_end_and_are_rejected(tmp_path):
    bundle = staged_bundle(tmp_path / "real.edgekit", threshold=0.0)
    frames = np.zeros((3, HEIGHT, WIDTH), np.uint8)
    frames[1] = 100
    with Detector(bundle) as detector:
        black, grey, also_black = detector.run_batch(frames)
    assert (grey.exit, grey.low_confidence) == (1, False)
    for result in (black, also_black):
        assert (result.exit, result.low_confidence, result.verdict, result.label) == (4, True, "reject", None)
        assert np.isnan(list(result.probabilities.values())).all()


@given(st.lists(st.booleans(), min_size=1, max_size=40).map(np.array))
def test_gaps_are_filled_from_the_end_with_the_fewest_moves(undecided):
    kept = fill_gaps(undecided)
    assert sorted(kept.tolist()) == np.flatnonzero(undecided).tolist()
    moved = kept[kept != np.arange(len(kept))]
    assert np.all(moved >= len(kept))
    assert len(moved) == np.count_nonzero(~undecided[: len(kept)])


def replay(bundle, exits, backend_class=Forgetful):
    probabilities = np.full((len(exits), len(bundle.manifest.stages), 3), 0.25, np.float32)
    with backend_class(bundle, answers=answer_by_number(probabilities)) as backend:
        run_stages(backend, bundle.manifest, numbered(len(exits)), exit_policy=ReplayExits(exits))
        return backend


def test_only_rows_that_must_move_do(bundles):
    backend = replay(bundles[2, None], [1, 2, 2, 1, 2, 2])
    assert backend.rows == {"exit1": [6], "exit2": [4]}
    assert backend.moved == 2


def test_nothing_moves_where_the_last_rows_leave(bundles):
    assert replay(bundles[2, None], [2, 2, 2, 1, 1]).moved == 0


def test_nothing_moves_in_a_fixed_batch(bundles):
    class Unmoving(Forgetful):
        def keep_rows(self, tensor, rows):
            raise AssertionError

    backend = replay(bundles[4, 8], [4, 1, 3, 2, 4, 1, 2, 3, 1, 1], Unmoving)
    assert backend.rows == {"exit1": [8, 8], "exit2": [8], "exit3": [8], "exit4": [8]}


@pytest.mark.parametrize("batch", [None, 3, 8])
def test_a_policy_sees_every_undecided_row_once_with_its_own_answer(bundles, batch):
    probabilities = np.random.default_rng(5).random((20, 4, 3), np.float32)
    leaves = np.random.default_rng(6).integers(1, 5, 20)
    seen = []

    def policy(stage, name, answers, rows):
        assert name == f"exit{stage + 1}"
        np.testing.assert_array_equal(answers, probabilities[rows, stage])
        seen.extend((stage, row) for row in rows.tolist())
        return leaves[rows] == stage + 1

    bundle = bundles[4, batch]
    with Forgetful(bundle, answers=answer_by_number(probabilities)) as backend:
        found = run_stages(backend, bundle.manifest, numbered(20), exit_policy=policy)
    assert found.exits.tolist() == leaves.tolist()
    assert sorted(seen) == [(stage, row) for stage in range(3) for row in range(20) if leaves[row] > stage]


@pytest.mark.parametrize("spoiled", [0, 1])
def test_a_policy_cannot_write_into_what_it_is_shown(bundles, spoiled):
    def policy(stage, name, *shown):
        shown[spoiled][...] = 0

    bundle = bundles[3, None]
    with FakeBackend(bundle) as backend, pytest.raises(ValueError, match="read-only"):
        run_stages(backend, bundle.manifest, numbered(2), exit_policy=policy)


@pytest.mark.parametrize("batch", [None, 3])
def test_every_frame_may_go_through_all_exits(bundles, batch):
    probabilities = np.full((7, 4, 3), 1.0, np.float32)
    probabilities[2:, 3] = 0.1
    bundle = bundles[4, batch]
    with Forgetful(bundle, answers=answer_by_number(probabilities)) as backend:
        found = run_stages(backend, bundle.manifest, numbered(7), exit_policy=skip_exits)
        if batch is None:
            assert backend.rows == {f"exit{number}": [7] for number in (1, 2, 3, 4)}
    assert found.exits.tolist() == [4] * 7
    assert found.low_confidence.tolist() == [False] * 2 + [True] * 5
