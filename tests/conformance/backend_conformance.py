"""What every backend must do. Inherit the class for what yours runs, and give it the fixture.

`BackendConformance` asks for bundles that segment, `StagedBackendConformance` for those with early exits as well.

class TestMyBackend(StagedBackendConformance):
    @pytest.fixture
    def make_backend(self, make_bundle):
        return lambda task: MyBackend(make_bundle(task), BackendOptions(Device("cpu")))
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from edgekit_runtime.backends import Backend, BackendOptions, State
from edgekit_runtime.errors import UsageProblem

HEIGHT, WIDTH = 8, 12

MakeBackend = Callable[[str], Backend]


class BackendConformance:
    """Inherited by the tests of each backend; those that run masks alone inherit nothing else."""

    @pytest.fixture
    def make_backend(self) -> MakeBackend:
        """Return a function of a task ("segment"; "classify" for a staged one) that makes a NEW backend.

        Its bundle has dynamic batch and grey frames of HEIGHT × WIDTH, the stages, tensors and answers of
        `edgekit_runtime.testing.fake_bundle` with two exits: answers follow the brightness of the frames.
        """
        raise NotImplementedError

    @pytest.fixture
    def frames(self) -> np.ndarray:
        return np.random.default_rng(7).integers(0, 256, (5, HEIGHT, WIDTH), np.uint8)

    @pytest.fixture
    def segmenter(self, make_backend):
        with make_backend("segment") as backend:
            yield backend

    def segment(self, backend: Backend, frames: np.ndarray, threshold: float = 0.0) -> np.ndarray:
        inputs = {
            "frame": backend.upload(frames),
            "threshold": backend.upload(np.array(threshold, np.float32)),
        }
        return backend.download(backend.run("segment", inputs)["mask"])

    def test_states_run_from_new_over_ready_to_closed(self, make_backend):
        backend = make_backend("segment")
        assert backend.state is State.NEW
        backend.open()
        assert backend.state is State.READY
        backend.close()
        assert backend.state is State.CLOSED

    def test_is_named(self, make_backend):
        assert make_backend("segment").name

    def test_a_class_is_a_factory_that_keeps_its_options(self, make_backend):
        made = make_backend("segment")
        options = BackendOptions(made.options.device, threads=2)
        again = type(made)(made.bundle, options)
        assert again.options is options
        assert again.state is State.NEW

    def test_sees_no_obstacle_in_what_it_runs(self, make_backend):
        backend = make_backend("segment")
        assert type(backend).find_obstacle(backend.bundle, backend.options.device) is None

    def test_is_installed_where_it_is_tested(self, make_backend):
        assert type(make_backend("segment")).is_installed()

    def test_notes_are_sentences(self, segmenter):
        assert all(note.endswith(".") for note in segmenter.notes)

    @pytest.mark.parametrize("state", ["new", "closed"])
    def test_does_nothing_unless_ready(self, make_backend, frames, state):
        backend = make_backend("segment")
        if state == "closed":
            backend.open()
            backend.close()
        for call in (
            lambda: backend.upload(frames),
            lambda: backend.run("segment", {}),
            lambda: backend.keep_rows(frames, np.array([0])),
            lambda: backend.download(frames),
        ):
            with pytest.raises(UsageProblem, match=state):
                call()

    def test_opens_once(self, make_backend):
        with make_backend("segment") as backend, pytest.raises(UsageProblem, match="ready"):
            backend.open()
        with pytest.raises(UsageProblem, match="closed"):
            backend.open()

    def test_a_ready_backend_may_be_entered(self, make_backend):
        backend = make_backend("segment")
        backend.open()
        with backend as entered:
            assert entered is backend
        assert backend.state is State.CLOSED

    def test_closes_twice_and_unopened(self, make_backend):
        backend = make_backend("segment")
        backend.close()
        backend.close()
        assert backend.state is State.CLOSED

    def test_gives_back_what_was_uploaded(self, segmenter, frames):
        for array in (frames, frames[:, ::2, ::-1], np.array(0.5, np.float32)):
            back = segmenter.download(segmenter.upload(array))
            np.testing.assert_array_equal(back, array)
            assert back.dtype == array.dtype
            assert back.shape == array.shape

    def test_names_an_unknown_stage(self, segmenter):
        with pytest.raises(UsageProblem, match=r"No stage 'segmnt'.*segment"):
            segmenter.run("segmnt", {})

    def test_names_missing_and_unknown_inputs(self, segmenter, frames):
        frame = segmenter.upload(frames)
        threshold = segmenter.upload(np.array(0, np.float32))
        for inputs in ({"frame": frame}, {"frame": frame, "threshold": threshold, "other": frame}):
            with pytest.raises(UsageProblem, match="takes frame, threshold"):
                segmenter.run("segment", inputs)

    @pytest.mark.parametrize(
        ("frame", "threshold"),
        [
            (np.zeros((2, HEIGHT, WIDTH), np.int8), np.float32(0)),
            (np.zeros((2, HEIGHT, WIDTH), np.float32), np.float32(0)),
            (np.zeros((2, HEIGHT, WIDTH), np.uint8), np.float64(0)),
            (np.zeros((2, HEIGHT, WIDTH + 1), np.uint8), np.float32(0)),
            (np.zeros((HEIGHT, WIDTH), np.uint8), np.float32(0)),
            (np.zeros((2, HEIGHT, WIDTH, 1), np.uint8), np.float32(0)),
            (np.zeros((0, HEIGHT, WIDTH), np.uint8), np.float32(0)),
            (np.zeros((2, HEIGHT, WIDTH), np.uint8), np.zeros(1, np.float32)),
        ],
    )
    def test_refuses_other_dtypes_and_shapes(self, segmenter, frame, threshold):
        inputs = {"frame": segmenter.upload(frame), "threshold": segmenter.upload(np.asarray(threshold))}
        with pytest.raises(UsageProblem, match="segment"):
            segmenter.run("segment", inputs)

    def test_answers_what_the_graph_says(self, segmenter, frames):
        mask = self.segment(segmenter, frames)
        assert mask.dtype == np.uint8
        np.testing.assert_array_equal(mask, frames >= 128)

    def test_a_threshold_moves_the_mask(self, segmenter, frames):
        np.testing.assert_array_equal(self.segment(segmenter, frames, 64.0), frames >= 192)

    def test_answers_the_same_twice(self, segmenter, frames):
        np.testing.assert_array_equal(self.segment(segmenter, frames), self.segment(segmenter, frames))

    def test_an_answer_outlives_the_next_run(self, segmenter, frames):
        first = self.segment(segmenter, frames)
        kept = first.copy()
        self.segment(segmenter, 255 - frames)
        np.testing.assert_array_equal(first, kept)

    def test_a_frame_alone_equals_its_row_in_a_batch(self, segmenter, frames):
        together = self.segment(segmenter, frames)
        for row, frame in enumerate(frames):
            np.testing.assert_array_equal(self.segment(segmenter, frame[np.newaxis])[0], together[row])

    def test_most_rows_is_unlimited_or_a_number(self, segmenter):
        assert segmenter.most_rows is None or segmenter.most_rows >= 1

    def test_two_run_side_by_side_in_two_threads(self, make_backend, frames):
        failures: list[BaseException] = []

        def work(shift: int) -> None:
            try:
                own = frames + np.uint8(shift)
                with make_backend("segment") as backend:
                    for _ in range(20):
                        np.testing.assert_array_equal(self.segment(backend, own), own >= 128)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(shift,)) for shift in (0, 90)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures


class StagedBackendConformance(BackendConformance):
    """Inherited by the tests of backends that run early exits."""

    @pytest.fixture
    def classifier(self, make_backend):
        with make_backend("classify") as backend:
            yield backend

    def test_sees_no_obstacle_in_exits(self, make_backend):
        backend = make_backend("classify")
        assert type(backend).find_obstacle(backend.bundle, backend.options.device) is None

    def test_an_exit_answers_the_same_twice(self, classifier, frames):
        first, second = (
            classifier.download(classifier.run("exit1", {"frame": classifier.upload(frames)})["p1"])
            for _ in range(2)
        )
        np.testing.assert_array_equal(first, second)

    def run_first(self, backend: Backend, frames: np.ndarray) -> dict:
        return backend.run("exit1", {"frame": backend.upload(frames)})

    def test_both_exits_answer_the_brightness(self, classifier, frames):
        outputs = self.run_first(classifier, frames)
        assert set(outputs) == {"features1", "p1"}
        first = classifier.download(outputs["p1"])
        second = classifier.download(classifier.run("exit2", {"features1": outputs["features1"]})["p2"])
        # Both exits give class 1 the mean brightness; sums in another order differ in the last bits.
        np.testing.assert_allclose(first[:, 1], frames.mean(axis=(1, 2)) / 255, atol=1e-6)
        np.testing.assert_allclose(second, first, atol=1e-6)

    @pytest.mark.parametrize("kept", [[0], [4], [0, 1, 2], [0, 4], [3, 1], [4, 1, 3], [0, 1, 2, 3, 4]])
    def test_kept_rows_take_the_places_that_were_asked(self, classifier, frames, kept):
        outputs = self.run_first(classifier, frames)
        before = classifier.download(outputs["features1"])
        answers = classifier.download(outputs["p1"])
        tensor = classifier.keep_rows(outputs["features1"], np.array(kept))
        np.testing.assert_array_equal(classifier.download(tensor), before[kept])
        found = classifier.download(classifier.run("exit2", {"features1": tensor})["p2"])
        np.testing.assert_allclose(found, answers[kept], atol=1e-6)

    @pytest.mark.parametrize("kept", [[], [1, 0], [2, 1, 1], [0, 5], [-1], [0, 0], [0, 1, 2, 3, 4, 4]])
    def test_rows_that_could_not_be_kept_in_place_are_refused(self, classifier, frames, kept):
        outputs = self.run_first(classifier, frames)
        with pytest.raises(UsageProblem, match="Rows to keep of 5"):
            classifier.keep_rows(outputs["features1"], np.array(kept, np.intp))

    def test_what_was_downloaded_is_the_callers(self, classifier, frames):
        outputs = self.run_first(classifier, frames)
        arrays = {name: classifier.download(tensor) for name, tensor in outputs.items()}
        copies = {name: array.copy() for name, array in arrays.items()}
        classifier.keep_rows(outputs["features1"], np.array([4, 3]))
        self.run_first(classifier, 255 - frames)
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, copies[name])

    def test_what_was_uploaded_is_not_written(self, classifier, frames):
        before = frames.copy()
        outputs = self.run_first(classifier, frames)
        classifier.run("exit2", {"features1": classifier.keep_rows(outputs["features1"], np.array([4]))})
        np.testing.assert_array_equal(frames, before)

    def test_carried_tensors_outlive_the_runs_of_other_stages(self, classifier, frames):
        features = self.run_first(classifier, frames)["features1"]
        before = classifier.download(features)
        first, second = (
            classifier.download(classifier.run("exit2", {"features1": features})["p2"]) for _ in range(2)
        )
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(classifier.download(features), before)

    def test_batches_of_any_size_may_follow_each_other(self, classifier, frames):
        for count in (2, 5, 1, 5, 3):
            some = frames[-count:]
            outputs = self.run_first(classifier, some)
            found = classifier.download(classifier.run("exit2", {"features1": outputs["features1"]})["p2"])
            np.testing.assert_allclose(found[:, 1], some.mean(axis=(1, 2)) / 255, atol=1e-6)
