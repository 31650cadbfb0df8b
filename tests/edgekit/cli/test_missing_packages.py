"""Without the extras: what still works, and one line for what does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.shipped import DEMO_BUNDLE

RUN_WITHOUT = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

BLOCKED = set(sys.argv.pop(1).split(","))
sys.meta_path.insert(0, Blocker())
from edgekit.cli.main import main
code = main(sys.argv[1:])
assert not BLOCKED & set(sys.modules)
sys.exit(code)
"""

EXTRAS = "torch,onnx,onnxscript,onnx_ir,onnxruntime,PIL,safetensors,matplotlib,numba,scipy,cv2"

pytestmark = pytest.mark.slow  # each test starts a process


def run_without(packages: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN_WITHOUT, packages, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_models_and_env_need_nothing(tmp_path: Path) -> None:
    done = run_without(EXTRAS, "models", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["schema"] == "edgekit.models/1"
    assert run_without(EXTRAS, "env", "--json", cwd=tmp_path).returncode == 0
    assert run_without(EXTRAS, "--help", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("packages", "command", "extra"),
    [
        (EXTRAS, ("export", "--model", "cheapnet-s"), "export"),
        ("onnxscript", ("export", "--model", "cheapnet-s"), "export"),
        ("onnx", ("export", "--model", "cheapnet-s"), "export"),
        ("onnxruntime", ("export", "--model", "cheapnet-s"), "export"),
        (EXTRAS, ("train", "--model", "cheapnet-s", "--data", "synthetic:dagm/6"), "train"),
        ("safetensors", ("train", "--model", "cheapnet-s", "--data", "synthetic:dagm/6"), "train"),
        ("matplotlib", ("train", "--model", "cheapnet-s", "--data", "synthetic:dagm/6"), "train"),
        (EXTRAS, ("detect", DEMO_BUNDLE, "a.png"), "cpu"),
        ("PIL", ("detect", DEMO_BUNDLE, "a.png"), "cpu"),
        (EXTRAS, ("bench", DEMO_BUNDLE), "cpu"),
        ("cv2", ("bench", DEMO_BUNDLE, "--against", "onnxruntime"), "peers"),
        (EXTRAS, ("verify", DEMO_BUNDLE), "cpu"),
        (EXTRAS, ("demo",), "cpu"),
        ("PIL", ("demo",), "cpu"),
        ("safetensors", ("eval", DEMO_BUNDLE.with_suffix(""), "--data", "synthetic:dagm/6"), "train"),
        (EXTRAS, ("eval", DEMO_BUNDLE, "--data", "synthetic:dagm/6"), "cpu"),
        (EXTRAS, ("eval", DEMO_BUNDLE.with_suffix(""), "--data", "synthetic:dagm/6"), "train"),
        (
            EXTRAS,
            ("import-weights", "a", "--model", "cheapnet-s", "--mean", 0.3, "--std", 0.2, "--out", "b"),
            "train",
        ),
        (
            "safetensors",
            ("import-weights", "a", "--model", "cheapnet-s", "--mean", 0.3, "--std", 0.2, "--out", "b"),
            "train",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value[0]),
)
def test_a_missing_extra_is_one_line_that_names_it(
    tmp_path: Path, packages: str, command: tuple[object, ...], extra: str
) -> None:
    done = run_without(packages, *command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (6, ""), done.stderr
    lines = done.stderr.splitlines()
    assert lines[-2].startswith("edgekit: The package ")
    assert lines[-1] == f'  → Run: pip install "edgekit[{extra}]"'
    assert list(tmp_path.iterdir()) == []


def test_the_users_bench_line_needs_no_extra_to_say_that_this_is_no_jetson(tmp_path: Path) -> None:
    done = run_without(EXTRAS, "bench", "--device", "jetson", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (5, "")
    assert "--host" in done.stderr
