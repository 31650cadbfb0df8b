"""Backends and devices by name."""

import subprocess
import sys

import pytest

from edgekit_runtime.backends import BACKENDS, State, open_backend, parse_device
from edgekit_runtime.backends.base import Backend
from edgekit_runtime.errors import DeviceUnavailable, EnvironmentMismatch, UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.runtime.onnx_graphs import segment_bundle


@pytest.fixture
def bundle(tmp_path):
    return segment_bundle(tmp_path / "segment.edgekit")


@pytest.fixture
def jetson(tmp_path):
    root = tmp_path / "board"
    (root / "proc/device-tree").mkdir(parents=True)
    (root / "proc/device-tree/model").write_text("NVIDIA Jetson Orin Nano\0")
    return root


@pytest.mark.parametrize("name", ["auto", "onnxruntime"])
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_the_cpu_is_served_by_onnxruntime(bundle, name, device):
    with open_backend(name, device, bundle, threads=1) as backend:
        assert backend.name == "onnxruntime"


def test_a_backend_comes_open_with_its_threads(bundle):
    backend = open_backend("auto", "auto", bundle, threads=3)
    assert backend.state is State.READY
    assert backend.threads == 3
    backend.close()


def test_a_factory_is_a_backend_too(tmp_path):
    backend = open_backend(FakeBackend, "auto", fake_bundle(tmp_path / "fake.edgekit"))
    assert isinstance(backend, FakeBackend)
    assert backend.state is State.READY


def test_every_entry_of_the_table_is_a_backend_of_that_name():
    for name, devices in BACKENDS.items():
        for target in devices.values():
            module, _, attribute = target.partition(":")
            found = getattr(__import__(module, fromlist=[attribute]), attribute)
            assert issubclass(found, Backend)
            assert found.name == name


def test_devices_are_parsed():
    assert parse_device("auto") == parse_device("cpu") == ("cpu", 0)
    assert parse_device("cuda") == parse_device("cuda:0") == ("cuda", 0)
    assert parse_device("cuda:3") == ("cuda", 3)
    assert parse_device("jetson") == ("jetson", 0)


@pytest.mark.parametrize(
    "name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:٣", "CPU", "", "cpu:0", "cuda:1\n"]
)
def test_unknown_devices_are_refused(name):
    with pytest.raises(UsageProblem, match="No device"):
        parse_device(name)


def test_near_names_are_suggested(bundle):
    with pytest.raises(UsageProblem, match="Did you mean jetson"):
        open_backend("auto", "jetsen", bundle)
    with pytest.raises(UsageProblem, match=r"Did you mean tensorrt"):
        open_backend("tensort", "cpu", bundle)
    with pytest.raises(UsageProblem, match="There are: auto, onnxruntime"):
        open_backend("xyz", "cpu", bundle)


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
@pytest.mark.parametrize("name", ["auto", "onnxruntime"])
def test_a_gpu_is_never_replaced_by_the_cpu(bundle, name, device):
    with pytest.raises(DeviceUnavailable, match="GPU backend is not available yet") as caught:
        open_backend(name, device, bundle)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("name", ["auto", "onnxruntime", "tensorrt"])
def test_a_jetson_is_asked_for_elsewhere(bundle, tmp_path, name):
    with pytest.raises(EnvironmentMismatch, match="not a Jetson") as caught:
        open_backend(name, "jetson", bundle, root=tmp_path)
    assert caught.value.exit_code == 5
    assert "--host" in caught.value.remedy


def test_a_jetson_is_not_replaced_by_its_cpu(bundle, jetson):
    with pytest.raises(DeviceUnavailable, match="Jetson backend is not available yet"):
        open_backend("auto", "jetson", bundle, root=jetson)


@pytest.mark.parametrize("name", ["fused", "tensorrt", "tensorrt-rtx"])
def test_backends_of_later_releases_are_refused(bundle, name):
    with pytest.raises(DeviceUnavailable, match=f"{name!r} is not available in this release"):
        open_backend(name, "auto", bundle)


def test_a_package_is_imported_when_its_backend_is_opened(bundle):
    code = (
        "import sys; from edgekit_runtime import Bundle; from edgekit_runtime.backends import open_backend;"
        f"bundle = Bundle.open({str(bundle.path)!r}); assert 'onnxruntime' not in sys.modules;"
        "open_backend('auto', 'cpu', bundle); assert 'onnxruntime' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
