"""Every hostile folder of annotations is refused: with the class it deserves, naming the culprit, touching nothing."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.data import open_dataset
from edgekit_runtime.errors import EdgekitError
from tests.attacks.hostile_datasets import ATTACKS, WRITERS


@pytest.fixture(autouse=True)
def must_not_block() -> Iterator[None]:
    """Fail instead of waiting for the writer of a pipe, or for digits without end."""

    def give_up(*_: object) -> None:
        pytest.fail("blocked for a minute")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("layout", WRITERS)
def test_the_folder_is_good_before_the_attack(tmp_path: Path, layout: str) -> None:
    dataset = open_dataset(str(WRITERS[layout](tmp_path / "data")))
    assert all(dataset.load(index) for index in range(len(dataset)))


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_is_refused(tmp_path: Path, name: str) -> None:
    attack = ATTACKS[name]
    root = WRITERS[attack.layout](tmp_path / "data")
    attack.build(root)
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(EdgekitError) as caught:
        open_dataset(str(root)).load(0)
    error = caught.value
    assert type(error) is attack.error
    assert attack.culprit in error.message
    assert error.exit_code == 8
    assert "\n" not in error.message
    assert error.message.isprintable()
    assert len(error.message) < 500
    assert error.remedy
    assert {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")} == before
