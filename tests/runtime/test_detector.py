import itertools
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from edgekit_runtime import Bundle, Detector, Region, ReplayExits
from edgekit_runtime.backends import BackendOptions, Device, State
from edgekit_runtime.bundle import ClassRule, VerdictRules, Zone, write_bundle
from edgekit_runtime.errors import (
    ArtefactRefused,
    BundleIntegrityError,
    EnvironmentMismatch,
    FrameError,
    UsageProblem,
)
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.runtime.onnx_graphs import segment_bundle

NAN = float("nan")


@pytest.fixture
def segmenter(tmp_path):
    return fake_bundle(tmp_path / "segment.edgekit", height=32, width=48)


@pytest.fixture
def classifier(tmp_path):
    return fake_bundle(tmp_path / "classify.edgekit", task="classify", exits=2)


@pytest.fixture
def frame():
    frame = np.zeros((32, 48), np.uint8)
    frame[4:9, 10:20] = 255
    frame[20, 3] = 255
    frame[21, 4] = 255
    return frame


def ticking(step=0.25):
    return partial(next, itertools.count(0, step))


def test_ten_lines_from_a_path_to_regions_with_a_real_graph(tmp_path):
    bundle = segment_bundle(tmp_path / "real.edgekit")
    frame = np.zeros((24, 32), np.uint8)
    frame[2:5, 8:12] = 200
    with Detector(str(bundle.path), device="auto") as detector:
        result = detector(frame)
    assert result.regions == (Region(8, 2, 12, 5, 12, "defect"),)
    assert (result.backend, result.precision, result.provenance) == ("onnxruntime", "fp32", "untrained")
    np.testing.assert_array_equal(result.mask, frame > 0)


def test_a_defect_is_rejected_with_its_reason(segmenter, frame):
    with Detector(segmenter, backend=FakeBackend, clock=ticking()) as detector:
        result = detector(frame)
    assert result.task == "segment"
    assert result.verdict == "reject"
    assert result.reason == "2 regions, the largest: defect 50 px at x 10 px, y 4 px"
    assert result.label == "defect"
    assert [region.area_px for region in result.regions] == [50, 2]
    assert result.latency_ms == 250.0
    assert result.exit is None
    assert json.loads(json.dumps(result.to_dict()))["regions"][0]["area_px"] == 50


def test_a_clean_frame_is_accepted(segmenter):
    with Detector(segmenter, backend=FakeBackend) as detector:
        result = detector(np.zeros((32, 48), np.uint8))
    assert (result.verdict, result.reason, result.label) == ("accept", "no region", None)
    assert result.regions == ()
    assert not result.mask.any()


def test_options_reach_the_regions(segmenter, frame):
    with Detector(segmenter, backend=FakeBackend, connectivity=4) as detector:
        assert [region.area_px for region in detector(frame).regions] == [50, 1, 1]
    with Detector(segmenter, backend=FakeBackend, min_area_px=51) as detector:
        result = detector(frame)
        assert result.verdict == "accept"
        assert result.mask.any()
    with Detector(segmenter, backend=FakeBackend, thresholds={"threshold": 127.5}) as detector:
        assert detector(frame).verdict == "accept"


@pytest.fixture
def strict_bundle(tmp_path):
    """A bundle whose rules are none of the defaults, 0.5 mm per pixel."""
    rules = VerdictRules(
        connectivity=4,
        classes={"stain": ClassRule(min_area_mm2=1.0, max_regions=1)},
        others=ClassRule(min_area_px=2),
        zones=(Zone(0, 2),),
    )
    classes = ("background", "hole", "stain")
    bundle = fake_bundle(tmp_path / "plain.edgekit", height=4, width=8, classes=classes)
    manifest = replace(bundle.manifest, rules=rules, input=replace(bundle.manifest.input, mm_per_pixel=0.5))
    files = {name: bundle.read(name) for name in bundle.manifest.files}
    return write_bundle(tmp_path / "strict.edgekit", manifest, files)


STRICT_MASK = [
    [1, 0, 0, 2, 2, 0, 0, 1],
    [1, 0, 0, 2, 2, 0, 1, 0],
    [0, 1, 1, 0, 0, 2, 0, 0],
    [0, 0, 0, 0, 0, 0, 2, 2],
]


def answering(mask):
    return partial(FakeBackend, answers={"segment": {"mask": mask}})


def test_the_rules_of_the_bundle_decide(strict_bundle):
    with Detector(strict_bundle, backend=answering(STRICT_MASK)) as detector:
        result = detector(np.zeros((4, 8), np.uint8))
        assert detector.rules == strict_bundle.manifest.rules
    assert (result.verdict, result.reason) == ("accept", "1 region, no more than allowed")
    assert [(region.label, region.area_mm2, region.box_mm) for region in result.regions] == [
        ("stain", 1.0, (1.5, 0.0, 2.5, 1.0))
    ]
    assert result.to_dict()["regions"][0]["box_mm"] == [1.5, 0.0, 2.5, 1.0]
    expected = np.array(STRICT_MASK)
    expected[:, :2] = 0
    np.testing.assert_array_equal(result.mask, expected)


def test_what_the_caller_asks_for_stands_in_for_the_rules_of_the_bundle(strict_bundle):
    frame = np.zeros((4, 8), np.uint8)
    for options, expected in (
        ({"connectivity": 8}, [("stain", 7), ("hole", 2)]),
        ({"min_area_px": 3}, [("stain", 4)]),
        (
            {"min_area_px": 0},
            [("stain", 4), ("hole", 1), ("hole", 1), ("hole", 1), ("stain", 1), ("stain", 2)],
        ),
        ({"rules": VerdictRules()}, [("hole", 4), ("stain", 7), ("hole", 2)]),
        ({"rules": VerdictRules(), "min_area_px": 5, "connectivity": 4}, []),
    ):
        with Detector(strict_bundle, backend=answering(STRICT_MASK), **options) as detector:
            result = detector(frame)
        assert [(region.label, region.area_px) for region in result.regions] == expected


def test_rules_that_do_not_fit_are_named_when_it_is_opened(segmenter):
    for rules, word in (
        (VerdictRules(classes={"crack": ClassRule()}), "'crack'"),
        (VerdictRules(others=ClassRule(min_area_mm2=3.0)), "mm_per_pixel"),
    ):
        with pytest.raises(UsageProblem, match=word):
            Detector(segmenter, rules=rules).open()


def test_masks_cannot_be_written(segmenter, frame):
    with Detector(segmenter, backend=FakeBackend) as detector:
        for result in (detector(frame), *detector.run_batch([frame, frame])):
            assert result.mask.dtype == np.uint8
            with pytest.raises(ValueError, match="read-only"):
                result.mask[0, 0] = 1


def test_a_batch_answers_in_order_and_shares_its_latency(segmenter, frame):
    clean = np.zeros_like(frame)
    with Detector(segmenter, backend=FakeBackend, clock=ticking()) as detector:
        for frames in ([clean, frame, clean], np.stack([clean, frame, clean])):
            results = detector.run_batch(frames)
            assert [result.verdict for result in results] == ["accept", "reject", "accept"]
            assert {result.latency_ms for result in results} == {250.0}
            assert results[1].regions == detector(frame).regions


def test_several_classes_are_named(tmp_path):
    bundle = fake_bundle(tmp_path / "b.edgekit", height=2, width=4, classes=("background", "hole", "stain"))
    answers = {"segment": {"mask": [[1, 0, 2, 2], [0, 0, 2, 0]]}}
    with Detector(bundle, backend=partial(FakeBackend, answers=answers)) as detector:
        result = detector(np.zeros((2, 4), np.uint8))
        assert [region.label for region in result.regions] == ["hole", "stain"]
        assert result.label == "stain"
    answers = {"segment": {"mask": 3}}
    with (
        Detector(bundle, backend=partial(FakeBackend, answers=answers)) as detector,
        pytest.raises(ArtefactRefused, match="class 3; the bundle has 3"),
    ):
        detector(np.zeros((2, 4), np.uint8))


def test_classes_come_with_probabilities_exit_and_verdict(classifier):
    answers = {"exit1": {"p1": [0.7, 0.3]}, "exit2": {"p2": [0.25, 0.75]}}
    with Detector(classifier, backend=partial(FakeBackend, answers=answers)) as detector:
        result = detector(np.zeros((32, 32), np.uint8))
    assert (result.task, result.verdict, result.label, result.exit) == ("classify", "reject", "defect", 2)
    assert result.probabilities == {"normal": 0.25, "defect": 0.75}
    assert result.low_confidence
    assert result.reason == "defect at 0.75, low confidence"
    assert result.mask is None
    assert result.to_dict()["regions"] is None


def test_frames_leave_at_their_exits(classifier):
    dark, grey, bright = (np.full((32, 32), value, np.uint8) for value in (0, 140, 255))
    with Detector(classifier, backend=FakeBackend) as detector:
        results = detector.run_batch([dark, grey, bright])
        assert [result.exit for result in results] == [1, 2, 1]
        assert [result.verdict for result in results] == ["accept", "reject", "reject"]
        assert detector.backend.rows == {"exit1": [3], "exit2": [1]}


@pytest.mark.parametrize("row", [[NAN, NAN], [1.0, NAN], [float("inf"), 0.0]])
def test_probabilities_that_are_not_finite_never_accept(classifier, row):
    answers = {"exit1": {"p1": row}, "exit2": {"p2": row}}
    with Detector(classifier, backend=partial(FakeBackend, answers=answers)) as detector:
        result = detector(np.zeros((32, 32), np.uint8))
    assert (result.verdict, result.label, result.exit) == ("reject", None, 2)
    assert result.low_confidence
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert json.loads(text)["probabilities"]["normal"] in (None, 1.0)


def test_exits_are_replayed_for_a_batch(classifier):
    frames = np.zeros((3, 32, 32), np.uint8)
    with Detector(classifier, backend=FakeBackend, exit_policy=lambda *args: args[3] < 0) as detector:
        assert [result.exit for result in detector.run_batch(frames)] == [2, 2, 2]
        replayed = detector.run_batch(frames, exit_policy=ReplayExits([2, 1, 2]))
        assert [result.exit for result in replayed] == [2, 1, 2]


def test_states_run_from_new_over_ready_to_closed(segmenter, frame):
    detector = Detector(segmenter, backend=FakeBackend)
    assert detector.state is State.NEW
    for call in (lambda: detector(frame), lambda: detector.run_batch([frame]), lambda: detector.manifest):
        with pytest.raises(UsageProblem, match="new, not ready") as caught:
            call()
        assert "with Detector" in caught.value.remedy
    detector.open()
    assert detector.state is State.READY
    assert detector.manifest is segmenter.manifest
    backend = detector.backend
    with pytest.raises(UsageProblem, match="opened once"):
        detector.open()
    detector.close()
    detector.close()
    assert detector.state is State.CLOSED
    assert backend.state is State.CLOSED
    for call in (detector.open, lambda: detector(frame)):
        with pytest.raises(UsageProblem, match="closed"):
            call()


def test_an_error_inside_closes(segmenter):
    with pytest.raises(FrameError), Detector(segmenter, backend=FakeBackend) as detector:
        detector(np.zeros((5, 5), np.uint8))
    assert detector.state is State.CLOSED


def test_making_one_opens_nothing(tmp_path):
    detector = Detector(tmp_path / "missing.edgekit")
    with pytest.raises(UsageProblem, match="no bundle"):
        detector.open()
    assert detector.state is State.NEW


def test_what_cannot_be_loaded_leaves_it_new(segmenter):
    detector = Detector(segmenter, backend="onnxruntime")
    with pytest.raises(ArtefactRefused, match="'segment'"):
        detector.open()
    assert detector.state is State.NEW


def test_a_damaged_bundle_is_refused_when_it_is_opened(segmenter):
    path = segmenter.path / "golden" / "frame.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(BundleIntegrityError):
        Detector(segmenter.path, backend=FakeBackend).open()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"thresholds": {"other": 1.0}}, UsageProblem, "No threshold 'other'"),
        ({"thresholds": {"threshold": NAN}}, UsageProblem, "finite"),
        ({"device": "cuda"}, EnvironmentMismatch, "not available yet"),
        ({"backend": "tensorrt"}, EnvironmentMismatch, "not available in this release"),
    ],
)
def test_options_that_do_not_fit_are_named_when_it_is_opened(segmenter, options, error, message):
    detector = Detector(segmenter, **options)
    with pytest.raises(error, match=message):
        detector.open()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"connectivity": 5}, "connectivity"),
        ({"min_area_px": -1}, "min_area_px"),
        ({"min_area_px": "9"}, "min_area_px"),
        ({"threads": 0}, "threads"),
        ({"backend": "onxruntime"}, "Did you mean onnxruntime"),
        ({"backend": None}, "by name or as a factory"),
        ({"device": "cdua"}, "Did you mean cuda"),
        ({"device": "cdua", "backend": FakeBackend}, "Did you mean cuda"),
    ],
)
def test_what_needs_neither_bundle_nor_machine_is_checked_at_once(tmp_path, options, message):
    with pytest.raises(UsageProblem, match=message):
        Detector(tmp_path / "missing.edgekit", **options)


def test_a_factory_gets_what_the_detector_was_given(segmenter):
    with Detector(segmenter, backend=FakeBackend, device="cuda:1", threads=3) as detector:
        assert detector.backend.options == BackendOptions(Device("cuda", 1), threads=3)


def test_an_opened_bundle_is_taken_as_it_is(segmenter, frame):
    with Detector(Bundle.open(segmenter.path), backend=FakeBackend) as detector:
        assert detector.bundle.digest == segmenter.digest
        assert detector(frame).verdict == "reject"
