"""The contract of ``render``: what comes back, and that it depends on the arguments alone."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.data.synthetic import GENERATOR_VERSION, KINDS, render

ALL_KINDS = tuple(range(1, 11))
#: Small images keep the suite quick where size does not matter.
SMALL = (128, 128)


def test_there_are_ten_kinds_with_their_own_numbers_and_names() -> None:
    assert tuple(KINDS) == ALL_KINDS
    assert [kind.number for kind in KINDS.values()] == list(ALL_KINDS)
    assert len({kind.name for kind in KINDS.values()}) == 10
    assert isinstance(GENERATOR_VERSION, int)


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("defective", [False, True])
def test_image_and_mask_have_the_documented_form(kind: int, defective: bool) -> None:
    image, mask = render(kind, 0, defective=defective)
    assert image.shape == mask.shape == (512, 512)
    assert image.dtype == mask.dtype == np.uint8
    assert set(np.unique(mask)) == ({0, 1} if defective else {0})
    # Every real class spreads over at least 17 grey levels; a flat image would mean a lost texture.
    assert image.std() > 8.0


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_same_arguments_give_the_same_bytes(kind: int) -> None:
    first = render(kind, 7, defective=True, seed=3, size=SMALL)
    second = render(kind, 7, defective=True, seed=3, size=SMALL)
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_index_seed_and_defect_each_change_the_whole_image(kind: int) -> None:
    base, _ = render(kind, 0, defective=True, size=SMALL)
    others = (
        render(kind, 1, defective=True, size=SMALL),
        render(kind, 0, defective=True, seed=1, size=SMALL),
        render(kind, 0, defective=False, size=SMALL),
    )
    for other, _ in others:
        # Half is far below what independent textures give and far above what a changed defect alone would.
        assert np.mean(base != other) > 0.5


def test_result_does_not_depend_on_global_random_state() -> None:
    np.random.seed(1)  # noqa: NPY002 - the legacy global state is what is tested
    first, _ = render(2, 0, defective=True, size=SMALL)
    np.random.seed(2)  # noqa: NPY002 - the legacy global state is what is tested
    second, _ = render(2, 0, defective=True, size=SMALL)
    assert np.array_equal(first, second)


def test_kinds_differ_in_texture() -> None:
    images = [render(kind, 0, defective=False, size=(256, 256))[0].astype(float) for kind in ALL_KINDS]
    # Grey level, contrast and the correlation of neighbours along x and y tell any two classes apart.
    described = np.array([_describe(image) for image in images])
    distance = np.abs(described[:, None] - described[None, :]).max(axis=2)
    assert distance[~np.eye(10, dtype=bool)].min() > 0.05


def _describe(image: np.ndarray) -> list[float]:
    centred = (image - image.mean()) / image.std()
    lag_x = [float((centred[:, :-lag] * centred[:, lag:]).mean()) for lag in (1, 4, 9)]
    lag_y = [float((centred[:-lag] * centred[lag:]).mean()) for lag in (1, 4, 9)]
    return [image.mean() / 100.0, image.std() / 50.0, *lag_x, *lag_y]


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("size", [(256, 320), (101, 67), (64, 64)])
def test_other_sizes(kind: int, size: tuple[int, int]) -> None:
    image, mask = render(kind, 0, defective=True, size=size)
    assert image.shape == mask.shape == size
    assert mask.any()
    assert image.std() > 5.0


@pytest.mark.parametrize("kind", [0, 11, -1])
def test_unknown_kind_is_refused(kind: int) -> None:
    with pytest.raises(ValueError, match="1 to 10"):
        render(kind, 0, defective=True)


@pytest.mark.parametrize("size", [(63, 512), (512, 63), (0, 0)])
def test_small_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 64"):
        render(1, 0, defective=True, size=size)


@pytest.mark.parametrize(("index", "seed"), [(-1, 0), (0, -1)])
def test_negative_index_or_seed_is_refused(index: int, seed: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        render(1, index, defective=True, seed=seed)
