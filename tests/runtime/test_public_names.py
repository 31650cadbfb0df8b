"""What `import edgekit_runtime` gives, and what it costs."""

import importlib.metadata
import json
import subprocess
import sys

import pytest

import edgekit_runtime


def test_every_public_name_is_there():
    for name in edgekit_runtime.__all__:
        assert getattr(edgekit_runtime, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Detektor'"):
        edgekit_runtime.Detektor  # noqa: B018


def test_every_error_is_public():
    leaves = [edgekit_runtime.EdgekitError]
    while leaves:
        error = leaves.pop()
        assert getattr(edgekit_runtime, error.__name__) is error
        # Other packages that this process has imported may have leaves of their own.
        leaves.extend(kind for kind in error.__subclasses__() if kind.__module__ == error.__module__)


@pytest.fixture(scope="module")
def imported():
    """Names of the modules that the import brings besides NumPy, in a process of its own."""
    code = (
        "import sys, json, numpy; before = set(sys.modules);"
        "import edgekit_runtime, edgekit_runtime.testing; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return set(json.loads(out))


def test_the_import_brings_numpy_and_the_standard_library_alone(imported):
    own = {"edgekit_runtime", "numpy", *sys.stdlib_module_names}
    assert not {name for name in imported if name.partition(".")[0] not in own}


def test_the_import_reads_no_package_metadata(imported):
    """Metadata of a large environment takes longer to read than the rest of the import together."""
    assert "edgekit_runtime.detector" in imported
    assert "importlib.metadata" not in imported


def test_the_version_is_that_of_the_distribution():
    assert edgekit_runtime.__version__ == importlib.metadata.version("edgekit")
