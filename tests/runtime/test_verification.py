import dataclasses

import numpy as np
import pytest

from edgekit_runtime import verify_bundle
from edgekit_runtime.bundle import array_bytes, write_bundle
from edgekit_runtime.errors import ArtefactRefused, BundleIntegrityError, MissingDependency, UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle


@pytest.fixture
def bundle(tmp_path):
    return fake_bundle(tmp_path / "fake.edgekit")


@pytest.fixture
def classifier(tmp_path):
    return fake_bundle(tmp_path / "classify.edgekit", task="classify", exits=2)


def change_golden(bundle, **changes):
    """Write the bundle anew with another golden sample, or other arrays: output name → array."""
    arrays = changes.pop("arrays", {})
    (sample,) = bundle.manifest.golden
    files = {name: bundle.read(name) for name in bundle.manifest.files}
    for name, array in arrays.items():
        files[sample.frame if name == "frame" else sample.outputs[name]] = array_bytes(array)
    golden = (dataclasses.replace(sample, **changes),)
    return write_bundle(bundle.path, dataclasses.replace(bundle.manifest, golden=golden), files)


def flip(bundle, count):
    mask = bundle.read_array("golden/mask.npy").copy()
    mask.ravel()[-count:] ^= 1
    return mask


def checks_of(path):
    report = verify_bundle(path, backend=FakeBackend)
    assert report.ok == all(check.ok for check in report.checks)
    assert (report.error is None) == report.ok
    return {check.name: check for check in report.checks}


def test_a_good_bundle_passes_every_check(bundle):
    report = verify_bundle(bundle.path, backend=FakeBackend)
    assert report.ok
    assert report.error is None
    assert [check.name for check in report.checks] == ["integrity", "thresholds", "stages", "golden corner"]
    assert report.to_dict()["schema"] == "edgekit.verify/1"
    assert report.to_dict()["checks"][0] == {
        "name": "integrity",
        "ok": True,
        "detail": "3 files match their hashes",
    }


def test_a_damaged_file_is_a_failed_check_with_its_error(bundle):
    path = bundle.path / "segment.onnx"
    path.write_bytes(b"a placeholder, not a graph".replace(b"a", b"b"))
    report = verify_bundle(bundle.path, backend=FakeBackend)
    assert not report.ok
    assert isinstance(report.error, BundleIntegrityError)
    assert [check.name for check in report.checks] == ["integrity"]
    assert "segment.onnx" in report.checks[0].detail


def test_a_stage_that_does_not_load_is_a_failed_check(bundle):
    report = verify_bundle(bundle.path, backend="onnxruntime")
    assert not report.ok
    assert isinstance(report.error, ArtefactRefused)
    assert report.checks[-1].name == "stages"
    assert "'segment'" in report.checks[-1].detail


@pytest.mark.parametrize(
    ("wrong", "undecided", "ok"), [(0, 0, True), (1, 0, False), (3, 3, True), (4, 3, False)]
)
def test_masks_may_differ_in_undecided_pixels_only(bundle, wrong, undecided, ok):
    changed = change_golden(
        bundle, undecided_px=undecided, arrays={"mask": flip(bundle, wrong)} if wrong else {}
    )
    check = checks_of(changed.path)["golden corner"]
    assert check.ok is ok
    assert f"{wrong} of 1024 pixels differ, at most {undecided}" in check.detail


def test_a_sample_cannot_leave_everything_undecided(bundle):
    changed = change_golden(bundle, undecided_px=1024, arrays={"mask": flip(bundle, 11)})
    assert not checks_of(changed.path)["golden corner"].ok


@pytest.mark.parametrize(("shift", "ok"), [(0.0, True), (5e-5, True), (2e-4, False), (float("nan"), False)])
def test_probabilities_may_differ_by_rounding_only(classifier, shift, ok):
    shifted = classifier.read_array("golden/p2.npy") + np.float32(shift)
    check = checks_of(change_golden(classifier, arrays={"p2": shifted}).path)["golden corner"]
    assert check.ok is ok
    assert "p1: differs by 0.0e+00, at most 1e-04 may" in check.detail


def test_golden_outputs_may_keep_the_axis_of_a_batch_of_one(bundle):
    mask = bundle.read_array("golden/mask.npy")[np.newaxis]
    assert checks_of(change_golden(bundle, arrays={"mask": mask}).path)["golden corner"].ok


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("mask", np.zeros((32, 31), np.uint8), "(32, 31)"),
        ("mask", np.zeros((32, 32), np.int8), "int8"),
        ("frame", np.zeros((16, 16), np.uint8), "(16, 16)"),
    ],
)
def test_a_sample_of_another_shape_is_a_failed_check(bundle, name, array, message):
    check = checks_of(change_golden(bundle, arrays={name: array}).path)["golden corner"]
    assert not check.ok
    assert message in check.detail


def test_samples_keep_their_own_thresholds(bundle):
    frame = bundle.read_array("golden/frame.npy")
    lower = change_golden(bundle, thresholds={"threshold": -128.0}, arrays={"mask": np.ones_like(frame)})
    assert checks_of(lower.path)["golden corner"].ok


def test_nothing_to_reproduce_is_not_verified(bundle):
    files = {name: bundle.read(name) for name in bundle.manifest.files}
    bare = write_bundle(bundle.path, dataclasses.replace(bundle.manifest, golden=()), files)
    assert not checks_of(bare.path)["golden"].ok


def test_what_is_not_the_bundles_fault_is_raised(bundle, tmp_path, monkeypatch):
    with pytest.raises(UsageProblem):
        verify_bundle(tmp_path / "missing.edgekit")
    with pytest.raises(UsageProblem):
        verify_bundle(bundle.path, backend="none")
    with pytest.raises(UsageProblem, match="No device"):
        verify_bundle(bundle.path, backend=FakeBackend, device="gpu")
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingDependency):
        verify_bundle(bundle.path)
