"""The group `edgekit data`."""

from __future__ import annotations

import pytest

from edgekit.cli.data import COMMANDS
from tests.edgekit.conftest import RunCli


def test_help_names_every_command(run_cli: RunCli) -> None:
    result = run_cli("data", "--help")
    assert result.code == 0
    assert all(f"  {command} " in result.out for command in COMMANDS)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_is_there(run_cli: RunCli, command: str) -> None:
    result = run_cli("data", command, "--help")
    assert result.code == 0
    assert f"edgekit data {command}" in result.out


def test_an_unknown_command_suggests_a_near_one(run_cli: RunCli) -> None:
    result = run_cli("data", "convrt")
    assert (result.code, result.out) == (2, "")
    assert "Did you mean convert" in result.err
