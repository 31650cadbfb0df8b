"""`edgekit env`."""

from __future__ import annotations

import json

import numpy as np

from tests.edgekit.conftest import RunCli


def test_document(run_cli: RunCli) -> None:
    result = run_cli("env", "--json")
    document = json.loads(result.out)
    assert result.code == 0
    assert document["schema"] == "edgekit.env/1"
    assert document["packages"]["numpy"] == np.__version__


def test_people_see_the_packages(run_cli: RunCli) -> None:
    result = run_cli("env")
    assert result.code == 0
    assert f"numpy                    {np.__version__}" in result.out
