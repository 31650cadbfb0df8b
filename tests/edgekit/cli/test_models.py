"""`edgekit models`."""

from __future__ import annotations

import json

from edgekit.models.table import read_table
from edgekit.shipped import list_shipped_checkpoints
from tests.edgekit.conftest import RunCli


def test_the_document_is_the_table_that_ships(run_cli: RunCli) -> None:
    result = run_cli("models", "--json")
    assert result.code == 0
    assert json.loads(result.out) == read_table()
    assert result.err == ""


def test_people_see_every_model_with_its_figures(run_cli: RunCli) -> None:
    lines = run_cli("models").out.splitlines()
    row = next(line for line in lines if line.startswith("cheapnet-s "))
    for figure in ("277", "10,448,896", "26,421,248", "1×512×512", "yes"):
        assert figure in row.split()
    named = [entry["name"] for entry in read_table()["models"]]
    rows = {line.split()[0]: line for line in lines[1 : 1 + len(named)]}
    assert list(rows) == named
    shipped = {name for name, line in rows.items() if line.endswith("yes")}
    assert shipped == set(list_shipped_checkpoints())
    assert "cheapnet-g<N>" in lines[-1]
