"""Images of which a classifier's bundle must know only whether they are defective: by class, by flag, or by mask."""

from __future__ import annotations

from dataclasses import replace

from edgekit.data.contract import Dataset, View
from edgekit.data.views import label_images
from edgekit_runtime.errors import DatasetError


class DefectiveByClass(View):
    """A dataset whose images are defective where their class is not the network's normal one, whatever else is said."""

    def __init__(self, source: Dataset, normal_class: str) -> None:
        super().__init__(source)
        normal = source.labels.index(normal_class)
        self.items = tuple(
            item if item.label is None else replace(item, defective=item.label != normal)
            for item in source.items
        )


def tell_defective(dataset: Dataset, normal_class: str | None) -> Dataset:
    """Return data as a classifier knows them, where something tells which images are defective.

    Args:
        dataset: As it was opened.
        normal_class: The network's.

    Raises:
        DatasetError: If nothing tells.
    """
    flagged = all(item.defective is not None for item in dataset.items)
    if normal_class in dataset.labels:
        return DefectiveByClass(dataset, normal_class)
    if dataset.labels and not flagged and not dataset.classes:
        raise DatasetError(
            f"{dataset.name} has the classes {', '.join(dataset.labels)}: none is {normal_class!r}, the network's "
            "class without a defect, and nothing else says which images are defective.",
            remedy=f"Call the folder of defect-free images {normal_class}.",
        )
    # Masks that nobody has flagged tell as well: they are looked at one by one.
    return dataset if dataset.classes and not flagged else label_images(dataset)
