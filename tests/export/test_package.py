"""Importing the package is cheap; what is missing is said in one line."""

from __future__ import annotations

import subprocess
import sys

import pytest

import edgekit_export
from edgekit_export import requirements
from edgekit_runtime.errors import MissingDependency


def test_importing_it_needs_neither_torch_nor_onnx():
    code = (
        "import sys, edgekit_export, edgekit_export.exportable\n"
        "assert edgekit_export.Normalisation((0.1,), (0.2,)).scale == 255.0\n"
        "found = {'torch', 'onnx', 'onnx_ir', 'onnxscript', 'onnxruntime', 'numpy'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_loads():
    for name in edgekit_export.__all__:
        assert getattr(edgekit_export, name) is not None
    with pytest.raises(AttributeError):
        getattr(edgekit_export, "nothing")  # noqa: B009


@pytest.mark.parametrize("package", requirements.PACKAGES)
def test_a_missing_package_names_the_extra(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(vars(edgekit_export), "export_bundle", raising=False)
    with pytest.raises(MissingDependency) as caught:
        from edgekit_export import export_bundle  # noqa: F401
    assert "edgekit[export]" in caught.value.remedy
    assert package in caught.value.message
