"""What `Backend` itself checks, whatever runs the stages."""

import numpy as np
import pytest

from edgekit_runtime.backends import base
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle


@pytest.fixture
def bundle(tmp_path):
    return fake_bundle(tmp_path / "fake.edgekit", task="classify", exits=2, height=4, width=4)


def run_first(backend, rows, dtype=np.uint8):
    return backend.run("exit1", {"frame": backend.upload(np.zeros((rows, 4, 4), dtype))})


def test_more_rows_than_a_backend_takes_are_refused(bundle):
    with FakeBackend(bundle, most_rows=3) as backend:
        run_first(backend, 3)
        with pytest.raises(UsageProblem, match="at most 3 rows at once") as caught:
            run_first(backend, 4)
    assert "run_batch" in caught.value.remedy


def test_what_was_refused_once_is_refused_again(bundle):
    with FakeBackend(bundle) as backend:
        run_first(backend, 2)
        for _ in range(2):
            with pytest.raises(UsageProblem, match="must be uint8"):
                run_first(backend, 2, np.float32)
            with pytest.raises(UsageProblem, match="batch of 1 or more"):
                run_first(backend, 0)
        assert backend.rows["exit1"] == [2]


def test_what_fits_one_stage_does_not_fit_another(bundle):
    with FakeBackend(bundle) as backend:
        frames = backend.upload(np.zeros((2, 4, 4), np.uint8))
        backend.run("exit1", {"frame": frames})
        with pytest.raises(UsageProblem, match="'features1' of stage 'exit2' must be float32"):
            backend.run("exit2", {"features1": frames})


def test_batches_of_very_many_sizes_are_not_all_remembered(bundle, monkeypatch):
    monkeypatch.setattr(base, "_MOST_REMEMBERED", 5)
    with FakeBackend(bundle) as backend:
        for rows in range(1, 30):
            run_first(backend, rows)
            assert len(backend._fitting) <= 5
        assert backend.rows["exit1"] == list(range(1, 30))
