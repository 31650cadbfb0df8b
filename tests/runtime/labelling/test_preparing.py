"""Numba is imported when somebody asks for it, and nowhere else."""

import subprocess
import sys


def run_python(source):
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


FIND = "print(edgekit_runtime.find_regions([[0, 1], [0, 1]]).tolist() == [[1, 0, 2, 2, 2, 1]])\n"


def test_finding_regions_does_not_import_numba():
    source = f"import sys, edgekit_runtime\n{FIND}print('numba' in sys.modules)"
    assert run_python(source) == ["True", "False"]


def test_without_numba_preparing_says_so_and_regions_are_found_by_numpy():
    source = (
        "import sys, edgekit_runtime\n"
        "from edgekit_runtime.regions import prepare_regions\n"
        f"sys.modules['numba'] = None\nprint(prepare_regions())\n{FIND}"
    )
    assert run_python(source) == ["False", "True"]


def test_once_prepared_regions_are_found_by_the_compiled_kernel():
    source = (
        "import edgekit_runtime\n"
        "from edgekit_runtime.labelling import numpy_runs\n"
        "from edgekit_runtime.regions import prepare_regions\n"
        "print(prepare_regions(), prepare_regions())\n"
        f"numpy_runs._find_runs = None\n{FIND}"
    )
    assert run_python(source) == ["True", "True", "True"]
