"""The one place where an error becomes a message, a remedy and an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import click
import pytest

from edgekit import __version__
from edgekit.cli.main import COMMANDS, LazyGroup, root
from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime import errors
from edgekit_runtime.errors import EdgekitError
from tests.edgekit.conftest import RunCli


@pytest.fixture
def fail_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Return a function that makes `edgekit env` raise."""

    def install(error: BaseException) -> None:
        @click.command()
        def failing() -> None:
            raise error

        monkeypatch.setattr(LazyGroup, "get_command", lambda _self, _ctx, _name: failing)

    return install


def all_errors() -> list[type[EdgekitError]]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, EdgekitError)]


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_ends_with_its_code_and_its_remedy(run_cli: RunCli, fail_with, kind) -> None:
    fail_with(kind("Something came.", remedy="Do this."))
    run_cli("env").refused(kind.exit_code, "edgekit: Something came.", "  → Do this.")
    fail_with(kind("Something came."))
    run_cli("env").refused(kind.exit_code, kind.default_remedy)


def test_codes_are_those_of_the_documented_table() -> None:
    codes = {
        errors.UsageProblem: 2,
        errors.GateFailed: 3,
        errors.ArtefactRefused: 4,
        errors.EnvironmentMismatch: 5,
        errors.MissingDependency: 6,
        errors.IoFault: 7,
        errors.UnusableInput: 8,
    }
    assert {kind: kind.exit_code for kind in codes} == codes


def test_an_internal_error_is_one_line_without_a_traceback(run_cli: RunCli, fail_with) -> None:
    fail_with(RuntimeError("first line\n\tsecond line" + 10_000 * "x"))
    result = run_cli("env").refused(1, "Internal error: RuntimeError: first line second line")
    assert len(result.err) < 600


def test_a_traceback_comes_when_asked_for(
    run_cli: RunCli, fail_with, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEKIT_TRACEBACK", "1")
    fail_with(RuntimeError("boom"))
    result = run_cli("env")
    assert result.code == 1
    assert "Traceback" in result.err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_ends_with_130(run_cli: RunCli, fail_with, error: BaseException) -> None:
    fail_with(error)
    result = run_cli("env")
    assert (result.code, result.out) == (130, "")
    assert "Traceback" not in result.err


def test_version(run_cli: RunCli) -> None:
    result = run_cli("--version")
    assert (result.code, result.out.strip()) == (0, f"edgekit {__version__}")


def test_help_names_every_command(run_cli: RunCli) -> None:
    result = run_cli("--help")
    assert result.code == 0
    for command in COMMANDS:
        assert f"  {command} " in result.out


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_help(run_cli: RunCli, command: str) -> None:
    result = run_cli(command, "--help")
    assert result.code == 0
    assert f"edgekit {command}" in result.out


def test_options_mean_the_same_wherever_they_appear() -> None:
    context = click.Context(root)
    meanings: dict[str, set[str]] = {}
    for name in COMMANDS:
        for parameter in root.get_command(context, name).params:
            if parameter.name in ("device", "backend", "threads", "seed", "as_json", "reporter", "data"):
                meanings.setdefault(parameter.name, set()).add(" ".join(parameter.opts))
    assert all(len(spellings) == 1 for spellings in meanings.values())
    assert meanings["as_json"] == {"--json"}
    assert meanings["reporter"] == {"--quiet"}


def test_an_unknown_command_suggests_a_near_one(run_cli: RunCli) -> None:
    result = run_cli("exprot")
    assert (result.code, result.out) == (2, "")
    assert "Did you mean export" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["export"],
        ["export", "--model", "cheapnet-s", "--size", "0x5"],
        ["export", "--model", "cheapnet-s", "--size", "512"],
        ["export", "--model", "cheapnet-s", "--batch", "0"],
        ["export", "--model", "cheapnet-s", "--batch", "²"],
        ["export", "--model", "cheapnet-s", "--rewrite", "magic"],
        ["detect", "a.edgekit"],
        ["train", "--epochs", "0"],
        ["train", "--learning-rate", "-1"],
        ["models", "--jsn"],
        ["bench", "--samples", "3"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_no_traceback(run_cli: RunCli, arguments: list[str]) -> None:
    result = run_cli(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Error:" in result.err
    assert "Traceback" not in result.err


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m edgekit models --json | head -c 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [["models"], ["line", "--help"], ["verify", str(DEMO_BUNDLE)]], ids=" ".join
)
def test_a_reader_that_has_gone_before_the_first_word_is_no_error(command: list[str]) -> None:
    """click ends a process with 1 where printing itself fails, and not only the last flush."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "edgekit", *command], stdout=writer, stderr=subprocess.PIPE, timeout=120
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.slow
def test_a_terminal_that_does_not_know_a_sign_is_no_error() -> None:
    for command in (["models"], ["verify", str(DEMO_BUNDLE)]):
        done = subprocess.run(
            [sys.executable, "-m", "edgekit", *command],
            capture_output=True,
            timeout=120,
            env={**os.environ, "PYTHONIOENCODING": "latin-1:strict", "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout


@pytest.mark.slow
def test_the_script_ends_with_the_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", "verify", "nowhere.edgekit"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("edgekit: ")
