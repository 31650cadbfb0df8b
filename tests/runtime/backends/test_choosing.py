"""Backends and devices by name."""

import subprocess
import sys

import pytest

from edgekit_runtime import backends
from edgekit_runtime.backends import (
    BACKENDS,
    Backend,
    BackendOptions,
    Device,
    State,
    choose_backend,
    open_backend,
    parse_device,
)
from edgekit_runtime.errors import DeviceUnavailable, EnvironmentMismatch, UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.runtime.onnx_graphs import segment_bundle

ON_CPU = BackendOptions(Device("cpu"))


def on(device):
    return BackendOptions(parse_device(device))


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
    with open_backend(name, bundle, on(device)) as backend:
        assert backend.name == "onnxruntime"


def test_a_backend_comes_open_with_its_options(bundle):
    options = BackendOptions(Device("cpu"), threads=3)
    with open_backend("auto", bundle, options) as backend:
        assert backend.state is State.READY
        assert backend.options is options


@pytest.mark.parametrize("threads", [0, -1])
def test_there_is_a_thread_at_least(threads):
    with pytest.raises(UsageProblem, match="threads must be at least 1"):
        BackendOptions(Device("cpu"), threads)


def test_a_factory_gets_the_device_with_its_number(tmp_path):
    fake = fake_bundle(tmp_path / "fake.edgekit")
    with open_backend(FakeBackend, fake, on("cuda:1")) as backend:
        assert isinstance(backend, FakeBackend)
        assert backend.options == BackendOptions(Device("cuda", 1), None)


def test_an_instance_is_no_factory(bundle):
    with pytest.raises(UsageProblem, match="as a factory, got FakeBackend") as caught:
        open_backend(FakeBackend(bundle), bundle, ON_CPU)
    assert "class" in caught.value.remedy


class Picky(FakeBackend):
    name = "picky"

    @classmethod
    def find_obstacle(cls, bundle, device, /):
        return None if bundle.manifest.model.task == "classify" else "it runs no masks"


class Plain(FakeBackend):
    name = "plain"


@pytest.fixture
def table(monkeypatch):
    """Two backends, the picky one preferred."""
    own = {"picky": {"cpu": f"{__name__}:Picky"}, "plain": {"cpu": f"{__name__}:Plain"}}
    monkeypatch.setattr(backends, "BACKENDS", own)


def test_the_first_backend_that_serves_the_bundle_is_taken(table, tmp_path):
    mask = fake_bundle(tmp_path / "mask.edgekit")
    classes = fake_bundle(tmp_path / "classes.edgekit", task="classify")
    for bundle, name in ((classes, "picky"), (mask, "plain")):
        with open_backend("auto", bundle, ON_CPU) as backend:
            assert backend.name == name
    assert choose_backend("plain", classes, Device("cpu")).name == "plain"


def test_a_named_backend_says_why_it_does_not_serve(table, tmp_path):
    mask = fake_bundle(tmp_path / "mask.edgekit")
    with pytest.raises(DeviceUnavailable, match=r"'picky' does not serve .* on cpu .*runs no masks"):
        open_backend("picky", mask, ON_CPU)


def test_every_obstacle_is_named_where_no_backend_serves(table, tmp_path, monkeypatch):
    monkeypatch.setitem(backends.BACKENDS, "plain", {"cuda": f"{__name__}:Plain"})
    mask = fake_bundle(tmp_path / "mask.edgekit")
    with pytest.raises(DeviceUnavailable, match="picky: it runs no masks; plain: it does not run on cpu"):
        open_backend("auto", mask, ON_CPU)


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
    assert [str(parse_device(name)) for name in ("auto", "cuda", "cuda:3", "jetson")] == [
        "cpu",
        "cuda:0",
        "cuda:3",
        "jetson",
    ]


@pytest.mark.parametrize(
    "name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:٣", "CPU", "", "cpu:0", "cuda:1\n"]
)
def test_unknown_devices_are_refused(name):
    with pytest.raises(UsageProblem, match="No device"):
        parse_device(name)


def test_near_names_are_suggested(bundle):
    with pytest.raises(UsageProblem, match="Did you mean jetson"):
        parse_device("jetsen")
    with pytest.raises(UsageProblem, match=r"Did you mean tensorrt"):
        open_backend("tensort", bundle, ON_CPU)
    with pytest.raises(UsageProblem, match="There are: auto, fused, onnxruntime"):
        open_backend("xyz", bundle, ON_CPU)


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
@pytest.mark.parametrize("name", ["auto", "onnxruntime"])
def test_a_gpu_is_never_replaced_by_the_cpu(bundle, name, device):
    with pytest.raises(DeviceUnavailable, match="GPU backend is not available yet") as caught:
        open_backend(name, bundle, on(device))
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("name", ["auto", "onnxruntime", "tensorrt"])
def test_a_jetson_is_asked_for_elsewhere(bundle, tmp_path, name):
    with pytest.raises(EnvironmentMismatch, match="not a Jetson") as caught:
        open_backend(name, bundle, on("jetson"), root=tmp_path)
    assert caught.value.exit_code == 5
    assert "--host" in caught.value.remedy


def test_a_jetson_is_not_replaced_by_its_cpu(bundle, jetson):
    with pytest.raises(DeviceUnavailable, match="Jetson backend is not available yet"):
        open_backend("auto", bundle, on("jetson"), root=jetson)


@pytest.mark.parametrize("name", ["tensorrt", "tensorrt-rtx"])
def test_backends_of_later_releases_are_refused(bundle, name):
    with pytest.raises(DeviceUnavailable, match=f"{name!r} is not available in this release"):
        open_backend(name, bundle, ON_CPU)


def test_a_package_is_imported_when_its_backend_is_opened(bundle):
    code = (
        "import sys\n"
        "from edgekit_runtime import Bundle\n"
        "from edgekit_runtime.backends import BackendOptions, Device, choose_backend, open_backend\n"
        f"bundle = Bundle.open({str(bundle.path)!r})\n"
        "for name in ('auto', 'onnxruntime'): choose_backend(name, bundle, Device('cpu'))\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "assert 'numba' not in sys.modules\n"
        "open_backend('auto', bundle, BackendOptions(Device('cpu')))\n"
        "assert 'onnxruntime' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
