"""Datasets: what they are, how they are opened, and how they are split."""

from edgekit.data.contract import Dataset, Item, Sample, Subset
from edgekit.data.opening import OpenOptions, open_dataset
from edgekit.data.splitting.splits import PARTS, Split, split_dataset

__all__ = [
    "PARTS",
    "Dataset",
    "Item",
    "OpenOptions",
    "Sample",
    "Split",
    "Subset",
    "open_dataset",
    "split_dataset",
]
