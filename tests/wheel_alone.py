"""Run by CI in an environment that holds the wheel, numpy and click alone, away from the checkout.

No pytest here: it would not be a bare environment any more.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np


def check_bare_environment() -> None:
    for package in ("torch", "onnx", "onnxruntime", "PIL", "safetensors"):
        assert importlib.util.find_spec(package) is None, (
            f"{package} is installed: the environment is not bare"
        )


def check_import_is_light() -> None:
    code = (
        "import sys, edgekit_runtime; "
        "print([m for m in ('torch', 'onnx', 'onnxruntime', 'click') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]", found.stdout


def check_runtime_works() -> None:
    import edgekit_runtime
    from edgekit.shipped import DEMO_BUNDLE
    from edgekit_runtime import Bundle, Detector, MissingDependency, find_regions
    from edgekit_runtime.testing import FakeBackend, fake_bundle

    assert "site-packages" in str(edgekit_runtime.__file__), edgekit_runtime.__file__
    mask = np.zeros((64, 64), np.uint8)
    mask[10:20, 5:9] = 1
    assert find_regions(mask).tolist() == [[5, 10, 9, 20, 40, 1]]
    shipped = Bundle.open(DEMO_BUNDLE)
    assert shipped.manifest.provenance.kind == "demo"
    with tempfile.TemporaryDirectory() as folder:
        bundle = fake_bundle(Path(folder) / "line.edgekit")
        height, width = bundle.manifest.input.height, bundle.manifest.input.width
        with Detector(bundle, backend=FakeBackend) as detector:
            result = detector(np.zeros((height, width), np.uint8))
    assert result.verdict in ("accept", "reject")
    try:
        Detector(DEMO_BUNDLE).open()
    except MissingDependency as error:
        assert "edgekit[cpu]" in error.remedy
    else:
        raise AssertionError("onnxruntime is not here, and no error said so")


if __name__ == "__main__":
    check_bare_environment()
    check_import_is_light()
    check_runtime_works()
    print("3 passed, 0 failed")
