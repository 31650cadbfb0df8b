"""The `fused` backend as bundles see it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from edgekit_runtime import Detector
from edgekit_runtime.backends import BackendOptions, Device, choose_backend, open_backend
from edgekit_runtime.backends.fused.backend import Fused
from edgekit_runtime.bundle import OperationInfo, array_bytes, arrays_bytes
from edgekit_runtime.errors import ArtefactRefused, DeviceUnavailable, MissingDependency
from edgekit_runtime.testing import fake_bundle
from tests.conformance.backend_conformance import HEIGHT, WIDTH, BackendConformance
from tests.runtime.backends.fused.bundles import GREY, grey_weights, program_bundle
from tests.runtime.onnx_graphs import segment_bundle

ON_CPU = Device("cpu")


class TestFused(BackendConformance):
    @pytest.fixture
    def make_backend(self, tmp_path):
        bundle = program_bundle(tmp_path / "grey.edgekit", HEIGHT, WIDTH)
        return lambda _task: Fused(bundle, BackendOptions(ON_CPU, threads=2))


def test_auto_takes_it_where_the_bundle_has_a_program(tmp_path):
    with Detector(program_bundle(tmp_path / "grey.edgekit", 16, 32)) as detector:
        result = detector(np.full((16, 32), 200, np.uint8))
    assert result.backend == "fused"
    assert result.verdict == "reject"


def test_auto_takes_another_where_the_bundle_has_none(tmp_path):
    with Detector(segment_bundle(tmp_path / "plain.edgekit")) as detector:
        assert detector.backend.name == "onnxruntime"


def test_a_bundle_without_a_program_is_named(tmp_path):
    bundle = fake_bundle(tmp_path / "plain.edgekit")
    with pytest.raises(DeviceUnavailable, match=r"fused.*carries no program"):
        choose_backend("fused", bundle, ON_CPU)


def test_auto_passes_over_it_where_numba_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(Fused, "package", "numba_that_is_not_there")
    bundle = program_bundle(tmp_path / "grey.edgekit", 8, 8)
    assert choose_backend("auto", bundle, ON_CPU).name == "onnxruntime"
    assert choose_backend("fused", bundle, ON_CPU) is Fused


def test_asked_for_by_name_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    bundle = program_bundle(tmp_path / "grey.edgekit", 8, 8)
    with pytest.raises(MissingDependency, match="numba") as caught:
        open_backend("fused", bundle, BackendOptions(ON_CPU))
    assert "edgekit[cpu]" in caught.value.remedy


def test_a_program_that_goes_down_after_it_went_up_has_an_obstacle(tmp_path):
    operations = (
        OperationInfo("a", "convolution", ("frame",), 2, 2, 0.2),
        OperationInfo("b", "convolution", ("a",), 2, 2, 0.2),
        OperationInfo("c", "transposed", ("b",), 2, 2, 0.2),
        OperationInfo("d", "convolution", ("c",), 2, 2, 0.2),
        OperationInfo("e", "transposed", ("d",), 2, 2, 0.2),
        OperationInfo("f", "transposed", ("e",), 2, 2, 0.2),
        OperationInfo("logit", "head", ("f",), 1, 1, 0.2),
    )
    program = dataclasses.replace(GREY, operations=operations)
    bundle = program_bundle(tmp_path / "w.edgekit", 16, 16, program=program)
    assert "goes down again" in (Fused.find_obstacle(bundle, ON_CPU) or "")


def wrong_weights() -> dict[str, bytes]:
    good = grey_weights()
    return {
        "not an archive": b"PK nothing",
        "one missing": arrays_bytes({key: good[key] for key in list(good)[1:]}),
        "one too many": arrays_bytes({**good, "more": np.zeros(1, np.float32)}),
        "another shape": arrays_bytes({**good, "copy.weight": np.zeros((2, 3, 3), np.float32)}),
        "another dtype": arrays_bytes({**good, "copy.bias": np.zeros(1, np.int32)}),
        "an array, no archive": array_bytes(np.zeros(3, np.float32)),
    }


@pytest.mark.parametrize("case", wrong_weights())
def test_weights_that_are_not_the_programs_are_refused(tmp_path, case):
    bundle = program_bundle(tmp_path / "grey.edgekit", 8, 8, content=wrong_weights()[case])
    with pytest.raises(ArtefactRefused, match=r"segment\.fused\.npz"):
        open_backend("fused", bundle, BackendOptions(ON_CPU))


def test_its_modules_import_no_numba_until_it_is_opened():
    code = """
import sys
import edgekit_runtime.backends.fused.backend
import edgekit_runtime.backends.fused.session
assert "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
