"""A new bundle is proved before it runs, and one that fails leaves no trace."""

import shutil
from functools import partial

import numpy as np
import pytest

from edgekit_runtime.backends.base import State
from edgekit_runtime.errors import ArtefactRefused, BundleIntegrityError
from edgekit_runtime.line.swapping import BundleWatch, DetectorChoice, Swap, SwapDesk
from edgekit_runtime.testing import FakeBackend, fake_bundle


def run_at_once(run):
    run()


FAKE = DetectorChoice(backend=FakeBackend)


@pytest.fixture
def bundle(tmp_path):
    return fake_bundle(tmp_path / "line.edgekit", height=8, width=8).path


class TestSwap:
    def test_a_bundle_that_is_proved_is_handed_out_ready(self, bundle):
        swap = Swap(FAKE, run_at_once)
        assert swap.begin(bundle, tiles=14)
        with_detector = swap.take()
        assert with_detector.state is State.READY
        assert with_detector.backend.rows == {"segment": [14]}  # it has run as the line will
        with_detector.close()
        assert swap.take() is None

    def test_a_damaged_bundle_is_refused(self, bundle):
        (bundle / "segment.onnx").write_bytes(b"another graph of the same size..."[:25])
        swap = Swap(FAKE, run_at_once)
        swap.begin(bundle, tiles=1)
        assert isinstance(swap.take(), BundleIntegrityError)

    def test_golden_samples_that_are_not_reproduced_refuse_it(self, bundle):
        wrong = DetectorChoice(backend=partial(FakeBackend, answers={"segment": {"mask": 1}}))
        swap = Swap(wrong, run_at_once)
        swap.begin(bundle, tiles=1)
        refusal = swap.take()
        assert isinstance(refusal, ArtefactRefused)
        assert "golden corner" in refusal.message

    def test_whatever_a_bundle_raises_is_a_refusal(self, bundle):
        def explode(inputs):
            if len(inputs["frame"]) > 1:
                raise ZeroDivisionError("no such batch")
            return {"mask": inputs["frame"] >= 128}

        swap = Swap(DetectorChoice(backend=partial(FakeBackend, answers={"segment": explode})), run_at_once)
        swap.begin(bundle, tiles=2)
        refusal = swap.take()
        assert isinstance(refusal, ArtefactRefused)
        assert "ZeroDivisionError" in refusal.message

    def test_one_is_prepared_at_a_time(self, bundle):
        waiting = []
        swap = Swap(FAKE, waiting.append)
        assert swap.begin(bundle, tiles=1)
        assert not swap.begin(bundle, tiles=1)
        waiting[0]()
        swap.take().close()
        assert swap.begin(bundle, tiles=1)

    def test_what_is_prepared_when_the_line_ends_is_closed(self, bundle):
        waiting, opened = [], []

        class Noted(FakeBackend):
            def _open_impl(self):
                opened.append(self)

        swap = Swap(DetectorChoice(backend=Noted), waiting.append)
        swap.begin(bundle, tiles=1)
        swap.close()
        waiting[0]()
        assert swap.take() is None
        assert opened
        assert {backend.state for backend in opened} == {State.CLOSED}


def test_of_bundles_that_were_asked_for_meanwhile_the_last_is_prepared(tmp_path):
    waiting = []
    desk = SwapDesk(Swap(FAKE, waiting.append))
    paths = [
        fake_bundle(tmp_path / f"{name}.edgekit", height=8, width=8, classes=("background", name)).path
        for name in ("first", "second", "third")
    ]
    found = []
    for path in paths:
        desk.ask(path)
        desk.poll(tiles=1)
    while waiting:
        waiting.pop()()
        detector = desk.poll(tiles=1)
        found.append(detector.manifest.model.classes[1])
        detector.close()
        desk.poll(tiles=1)
    assert found == ["first", "third"]


class Clock:
    now_s = 0.0

    def __call__(self):
        self.now_s += 1.0
        return self.now_s


class TestBundleWatch:
    def watch(self, path):
        return BundleWatch(path, every_s=0.5, clock=Clock())

    def looks(self, watch, count=3):
        return [watch.has_changed() for _ in range(count)]

    def test_nothing_changes_by_itself(self, bundle):
        assert self.looks(self.watch(bundle)) == [False] * 3

    def test_a_link_that_is_turned_is_a_new_bundle_once_it_stays(self, bundle, tmp_path):
        link = tmp_path / "current"
        link.symlink_to(bundle)
        watch = self.watch(link)
        other = shutil.copytree(bundle, tmp_path / "other.edgekit")
        link.unlink()
        assert self.looks(watch, 2) == [False] * 2
        link.symlink_to(other)
        assert self.looks(watch) == [False, True, False]

    def test_a_directory_that_is_replaced_is_a_new_bundle(self, bundle, tmp_path):
        watch = self.watch(bundle)
        other = fake_bundle(tmp_path / "other.edgekit", height=16, width=8).path
        bundle.rename(tmp_path / "old.edgekit")
        other.rename(bundle)
        assert self.looks(watch) == [False, True, False]

    def test_a_bundle_that_is_being_copied_is_none_yet(self, bundle):
        watch = self.watch(bundle)
        for size in (1, 2, 3):
            (bundle / "segment.onnx").write_bytes(b"x" * size)
            assert not watch.has_changed()
        assert self.looks(watch) == [True, False, False]

    def test_it_looks_no_more_often_than_it_is_told(self, bundle):
        watch = BundleWatch(bundle, every_s=2.5, clock=Clock())
        (bundle / "segment.onnx").write_bytes(b"x")
        assert self.looks(watch, 8).index(True) > 3


def test_a_warm_detector_that_classifies_has_run(tmp_path):
    bundle = fake_bundle(tmp_path / "cloth.edgekit", task="classify", height=8, width=8)
    swap = Swap(FAKE, run_at_once)
    swap.begin(bundle.path, tiles=3)
    detector = swap.take()
    assert detector.backend.rows == {"exit1": [3]}
    assert np.isfinite(detector.run_batch(np.zeros((1, 8, 8), np.uint8))[0].probabilities["defect"])
    detector.close()
