"""`synthetic:dagm` as a dataset."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit_runtime.errors import UsageProblem
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset

SIZE = (64, 64)


class TestSyntheticDagm(DatasetConformance):
    @pytest.fixture
    def open_again(self) -> OpenDataset:
        return lambda: SyntheticDagm((1, 6, 10), include_normal=True, size=SIZE)

    @pytest.fixture
    def change_content(self) -> Callable[[], OpenDataset]:
        return lambda: lambda: SyntheticDagm((1, 6, 10), include_normal=True, size=SIZE, seed=1)


def test_counts_are_those_of_dagm_2007() -> None:
    assert len(SyntheticDagm()) == 2100
    assert len(SyntheticDagm((6,))) == 150
    assert len(SyntheticDagm((7,))) == 300
    assert len(SyntheticDagm((6,), include_normal=True)) == 1150
    assert sum(item.defective for item in SyntheticDagm((7,), include_normal=True).items) == 300


def test_names() -> None:
    assert SyntheticDagm().name == "synthetic:dagm"
    assert SyntheticDagm((6,)).name == "synthetic:dagm/6"
    assert SyntheticDagm((6,)).items[3].name == "Class6/defective-0003"


def test_size_changes_the_fingerprint() -> None:
    assert (
        SyntheticDagm((6,), size=(64, 64)).fingerprint() != SyntheticDagm((6,), size=(64, 96)).fingerprint()
    )


@pytest.mark.parametrize("kind", [0, 11])
def test_classes_that_do_not_exist_are_refused(kind: int) -> None:
    with pytest.raises(UsageProblem, match="1 to 10"):
        SyntheticDagm((kind,))


def test_sizes_that_the_generator_cannot_draw_are_refused_at_once() -> None:
    with pytest.raises(UsageProblem, match="64"):
        SyntheticDagm((1,), size=(32, 64))
