import json
import subprocess
import sys

import numpy as np
import pytest

from edgekit_runtime.platforms import Jetson, describe_platform, detect_jetson, find_versions

RELEASE = "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8\n"


def put(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_board_is_known_by_its_device_tree_and_release(tmp_path):
    put(tmp_path, "proc/device-tree/model", "NVIDIA Jetson Orin Nano Developer Kit\0")
    put(tmp_path, "etc/nv_tegra_release", RELEASE)
    board = Jetson("NVIDIA Jetson Orin Nano Developer Kit", "36.4.3")
    assert detect_jetson(tmp_path) == board
    assert describe_platform(tmp_path)["jetson"] == {"model": board.model, "l4t": "36.4.3"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0"}, None),
        ({"etc/nv_tegra_release": RELEASE}, Jetson("Jetson", "36.4.3")),
        ({"etc/nv_tegra_release": "# R35 (release), REVISION: 6.0, GCID: 1\n"}, Jetson("Jetson", "35.6.0")),
        ({"etc/nv_tegra_release": "unreadable"}, Jetson("Jetson", None)),
        ({"proc/device-tree/model": "NVIDIA Jetson AGX Orin\0"}, Jetson("NVIDIA Jetson AGX Orin", None)),
    ],
)
def test_other_machines_are_told_apart(tmp_path, files, expected):
    for path, text in files.items():
        put(tmp_path, path, text)
    assert detect_jetson(tmp_path) == expected


def test_a_machine_is_described_from_its_files(tmp_path):
    put(tmp_path, "etc/os-release", 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 22.04.5 LTS"\n')
    put(tmp_path, "proc/cpuinfo", "processor\t: 0\nmodel name\t: A Fine CPU @ 3 GHz\n")
    put(tmp_path, "proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n")
    found = describe_platform(tmp_path)
    assert found["os"] == "Ubuntu 22.04.5 LTS"
    assert found["cpu"] == "A Fine CPU @ 3 GHz"
    assert found["memory_bytes"] == 16384 * 1024
    assert found["jetson"] is None
    assert found["numpy"] == np.__version__
    assert found["cores_usable"] >= 1


def test_an_unknown_machine_is_described_too(tmp_path):
    found = describe_platform(tmp_path)
    assert found["memory_bytes"] is None
    assert found["os"]
    json.dumps(found)


def test_this_machine_is_described_as_json():
    assert json.loads(json.dumps(describe_platform())) == describe_platform()


def test_versions_come_without_imports():
    code = (
        "import sys, edgekit_runtime.platforms as p; found = p.describe_platform()['packages'];"
        "assert found['numpy'] and found['onnxruntime'];"
        "assert not {'onnxruntime', 'torch', 'onnx', 'PIL', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert find_versions(("no-such-distribution",)) == {"no-such-distribution": None}
