"""Training throughput, engine against a plain PyTorch loop: images per second, the two interleaved.

    python benchmarks/results/training-throughput.py --model cheapnet-s --data synthetic:dagm/6

The plain loop is what a tutorial shows: a Dataset that decodes the file and makes float tensors, a DataLoader that
shuffles, Adam, the same loss, no cache, the plain memory layout. Images are written to a folder first, so that both
read files. Rounds alternate, each side in a process of its own, of which the second epoch counts. Printed: medians of
the rounds, and of the ratios within a round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from edgekit.data import OpenOptions, Split, open_dataset
from edgekit.data.converting import convert_dataset
from edgekit.data.views import merge_classes
from edgekit.models import MODELS, ModelSpec, build_model
from edgekit.reporting import Reporter
from edgekit.train.allocator import keep_freed_memory
from edgekit.train.engine import Trainer
from edgekit.train.recipe import Recipe
from edgekit.train.recipes import get_recipe
from edgekit.train.run_data import open_run_data
from edgekit.train.run_folder import RunFolder, RunRecord, SplitChoice
from edgekit_runtime.padding import pad_frame, padded_size


class PlainImages(TorchDataset):
    """Decodes and converts an image at each access."""

    def __init__(self, folder: str, indices: tuple[int, ...], multiple: int) -> None:
        self.dataset, self.indices, self.multiple = open_dataset(folder), indices, multiple

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        sample = self.dataset.load(self.indices[place])
        size = padded_size(*sample.image.shape[:2], self.multiple)
        image = torch.from_numpy(pad_frame(sample.image, size).copy()).float() / 255
        return image[None], torch.from_numpy(pad_frame(sample.known_mask, size).copy()).float()[None]


def run_plain(folder: str, model: str, workers: int) -> float:
    """Return images per second of the second epoch of the plain loop."""
    spec, recipe, split = open_run(folder, model)[1:]
    network = build_model(spec, seed=0).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.optimiser.learning_rate)
    loss_of = torch.nn.BCEWithLogitsLoss()
    loader = DataLoader(
        PlainImages(folder, split.parts["train"], spec.multiple),
        batch_size=recipe.batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )

    def run_epoch() -> None:
        for frames, masks in loader:
            optimiser.zero_grad()
            loss_of(network(frames), masks).backward()
            optimiser.step()

    return len(split.parts["train"]) / time_second(lambda _: run_epoch())


def run_engine(folder: str, model: str) -> float:
    """Return images per second of the engine's second epoch."""
    keep_freed_memory()  # as `edgekit train` does
    record, _, _, split = open_run(folder, model)
    dataset = open_run_data(record)[0]
    trainer = Trainer(record, dataset, split, RunFolder(Path(folder) / "run"), reporter=Reporter(quiet=True))
    return len(trainer.run.train) / time_second(trainer._train_epoch)


def open_run(folder: str, model: str) -> tuple[RunRecord, ModelSpec, Recipe, Split]:
    """Return the run that both sides train."""
    spec = MODELS.get(model)
    recipe = get_recipe(spec.recipe, "short")
    record = RunRecord(spec.name, recipe, 0, folder, OpenOptions(), SplitChoice(0))
    return record, spec, recipe, open_run_data(record)[1]


def time_second(run_epoch: Callable[[int], object]) -> float:
    """Return the seconds of the second epoch: in the first one allocators and kernels warm up."""
    run_epoch(0)
    began = time.perf_counter()
    run_epoch(1)
    return time.perf_counter() - began


def measure_side(side: str, folder: str, arguments: argparse.Namespace) -> float:
    """Return a side's images per second in a process of its own: an allocator's setting holds for a whole process."""
    command = [sys.executable, __file__, "--side", side, "--folder", folder, "--model", arguments.model]
    command += ["--workers", str(arguments.workers)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Measure both sides in turn, or one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cheapnet-s")
    parser.add_argument("--data", default="synthetic:dagm/6")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=0, help="of the plain loop's DataLoader")
    parser.add_argument("--side", choices=["plain", "engine"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side == "plain":
        print(run_plain(arguments.folder, arguments.model, arguments.workers))
        return
    if arguments.side == "engine":
        print(run_engine(arguments.folder, arguments.model))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = f"{place}/images"
        convert_dataset(merge_classes(open_dataset(arguments.data)), Path(folder), reporter=Reporter())
        sides = ("plain", "engine")
        rounds = [[measure_side(side, folder, arguments) for side in sides] for _ in range(arguments.rounds)]
    ratios = [engine / plain for plain, engine in rounds]
    document = {
        "model": arguments.model,
        "data": arguments.data,
        "workers_of_plain": arguments.workers,
        "threads": torch.get_num_threads(),
        "plain_images_per_s": round(statistics.median(plain for plain, _ in rounds), 2),
        "engine_images_per_s": round(statistics.median(engine for _, engine in rounds), 2),
        "ratio": {
            "median": round(statistics.median(ratios), 2),
            "all": [round(ratio, 2) for ratio in ratios],
        },
    }
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
