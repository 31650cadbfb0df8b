"""A dataset without its defect-free images."""

from __future__ import annotations

from edgekit.data.contract import Dataset, Subset
from edgekit_runtime.errors import DatasetError


def keep_defective(dataset: Dataset) -> Dataset:
    """Return the items that show a defect, or may; the dataset itself where all do.

    Masks are read where only they tell: a person who asks for defective images gets no others.

    Raises:
        DatasetError: If none is left.
        UnusableInput: If a mask that must be read cannot be.
    """
    kept = [index for index in range(len(dataset)) if _is_defective(dataset, index)]
    if not kept:
        raise DatasetError(
            f"None of the {len(dataset)} images of {dataset.name} shows a defect.",
            remedy="Leave out --defective-only, or name other data.",
        )
    return dataset if len(kept) == len(dataset) else Subset(dataset, kept)


def _is_defective(dataset: Dataset, index: int) -> bool:
    known = dataset.items[index].defective
    if known is not None:
        return known
    mask = dataset.load(index).mask if dataset.classes else None
    return mask is None or bool(mask.any())
