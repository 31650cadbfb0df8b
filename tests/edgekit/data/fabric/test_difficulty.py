"""No threshold on grey values finds the defects, even one that was chosen on the very images it is judged on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from edgekit.data.fabric import KINDS, render_tile
from edgekit.data.synthetic_fabric import SyntheticFabric

Counts = npt.NDArray[np.int64]
LEVELS = 256


class Histograms:
    """Grey values of each image, (N, 256): of its defect, and of all of it."""

    def __init__(self, pairs: list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]) -> None:
        self.defect = np.array([count_levels(image[mask > 0]) for image, mask in pairs])
        self.all = np.array([count_levels(image) for image, _ in pairs])

    def best_iou(self) -> float:
        """Return the pooled IoU of the best of all thresholds, of dark and of bright pixels."""
        defect, every = self.defect.sum(axis=0), self.all.sum(axis=0)
        hits, taken = np.cumsum(defect), np.cumsum(every)
        return max(
            float(np.max(hit / (defect.sum() + take - hit)))
            for hit, take in ((hits, taken), (defect.sum() - hits, every.sum() - taken))
        )

    def best_auroc(self) -> float:
        """Return how well the number of pixels beyond the best threshold ranks defective images above normal ones."""
        defective = self.defect.sum(axis=1) > 0
        areas = rank_areas(np.cumsum(self.all, axis=1), defective)
        return float(max(areas.max(), 1.0 - areas.min()))


def count_levels(pixels: npt.NDArray[np.uint8]) -> Counts:
    return np.bincount(pixels.ravel(), minlength=LEVELS)


def rank_areas(scores: Counts, positive: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return the area under the ROC of each column of scores (N, K)."""
    above, below = scores[positive][:, None, :], scores[~positive][None, :, :]
    return np.asarray(((above > below) + 0.5 * (above == below)).mean(axis=(0, 1)))


@pytest.fixture(scope="module")
def tiles() -> list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], str]]:
    """Tiles of 24 rolls: one of each kind of defect, and eight normal ones."""
    dataset = SyntheticFabric(defective=24, normal=48)
    samples = [dataset.load(index) for index in range(len(dataset))]
    return [(sample.image, sample.known_mask, "".join(sample.kinds)) for sample in samples]


def test_the_measures_see_what_a_threshold_can_find() -> None:
    image = np.full((40, 40), 120, np.uint8)
    image[5:15, 5:15] = 60
    mask = (image == 60).astype(np.uint8)
    found = Histograms([(image, mask), (np.full_like(image, 120), np.zeros_like(mask))])
    assert (found.best_iou(), found.best_auroc()) == (1.0, 1.0)
    inverse = Histograms([(255 - image, mask), (np.full_like(image, 135), np.zeros_like(mask))])
    assert (inverse.best_iou(), inverse.best_auroc()) == (1.0, 1.0)


@pytest.mark.parametrize("levelled", [False, True], ids=["as it is", "brightness levelled"])
def test_no_threshold_is_of_use(tiles: list, levelled: bool) -> None:
    pairs = [(level(image) if levelled else image, mask) for image, mask, _ in tiles]
    found = Histograms(pairs)
    # Measured: 0.007 and 0.52 as it is, 0.012 and 0.56 with every tile brought to one mean.
    assert found.best_iou() < 0.03
    assert found.best_auroc() < 0.6


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_is_left_to_a_threshold(tiles: list, kind: str) -> None:
    found = Histograms([(image, mask) for image, mask, shown in tiles if shown in ("", kind)])
    # Measured: 0.005 and 0.57 for the easiest, stains.
    assert found.best_iou() < 0.03
    assert found.best_auroc() < 0.65


@pytest.mark.parametrize("kind", KINDS)
def test_defects_stand_out_from_their_own_surroundings(kind: str) -> None:
    # What a person sees: the same tile without the defect looks otherwise there, by more than the sensor's noise. A
    # stain fades over 6 px beyond its label, and the lens blurs by 2.
    changes = []
    for roll in range(12):
        image, mask = render_tile(roll, 0, kind=kind, weave=None, seed=0, size=(512, 512))
        plain, _ = render_tile(roll, 0, kind=None, weave=None, seed=0, size=(512, 512))
        inside = mask > 0
        changes.append(float(np.abs(image.astype(int) - plain)[inside].mean()))
        away = np.abs(image.astype(int) - plain)[~grow(inside, 10)]
        assert not away.any()
    assert np.median(changes) > 10.0
    assert min(changes) > 3.0


def level(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the image with a mean of 100, as an automatic exposure gives."""
    return np.clip(image * (100.0 / image.mean()), 0, 255).astype(np.uint8)


def grow(inside: npt.NDArray[np.bool_], by: int) -> npt.NDArray[np.bool_]:
    """Return the pixels that are at most `by` rows and columns from one inside."""
    grown = inside.copy()
    for axis in (0, 1):
        near = grown.copy()
        for shift in range(1, by + 1):
            near |= np.roll(grown, shift, axis) | np.roll(grown, -shift, axis)
        grown = near
    return grown
