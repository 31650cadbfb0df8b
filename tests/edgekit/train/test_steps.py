"""One step of training: shards, running statistics, what is left after a bad batch."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.models import MODELS
from edgekit.models.normalising import normalise
from edgekit.train.averaging import WeightAverage
from edgekit.train.batches import Batch
from edgekit.train.recipe import Objective
from edgekit.train.shards import Processes
from edgekit.train.steps import TrainingStep, make_input, memory_order
from edgekit.train.task_table import make_task
from edgekit.train.tasks import TrainingTask
from edgekit_export.exportable import Normalisation
from edgekit_runtime.errors import DatasetError, TrainingDiverged
from tests.edgekit.train.arrays import ArrayDataset, draw_pixels, make_batch

NORMALISATION = Normalisation((0.4,), (0.2,))
LABELS = ("a", "b", "c")


def make_network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 1)
        ).train()


def segmenting() -> TrainingTask:
    return make_task(MODELS.get("cheapnet-s"), draw_pixels((8, 8)), Objective("bce"))


def draw_batch(images: int) -> Batch:
    generator = np.random.default_rng(images)
    pixels = generator.integers(0, 256, (images, 8, 8)).astype(np.uint8)
    return make_batch(pixels, (generator.random((images, 8, 8)) < 0.4).astype(np.uint8))


class OneOfSeveral(Processes):
    """What one of several processes runs, without the others."""

    def wrap(self, network: nn.Module) -> nn.Module:
        return network

    def total(self, value: torch.Tensor) -> torch.Tensor:
        return value


def make_step(
    network: nn.Module, *, rate: float = 0.1, processes: Processes | None = None, **changes: object
) -> TrainingStep:
    optimiser = torch.optim.SGD(network.parameters(), lr=rate)
    task = changes.pop("task", None) or segmenting()
    return TrainingStep(
        network, optimiser, task, NORMALISATION, processes=processes or Processes(), **changes
    )


def gradients_by_hand(network: nn.Module, batch: Batch, bounds: list[int]) -> Iterator[torch.Tensor]:
    """The mean of the shards' gradients, weighted by their images; each shard is normalised by itself."""
    task = segmenting()
    total = [torch.zeros_like(parameter) for parameter in network.parameters()]
    for start, end in itertools.pairwise(bounds):
        shard, replica = batch.rows(start, end), copy.deepcopy(network)
        loss = task.loss(replica(normalise(shard.images, NORMALISATION)), shard)
        for mean, gradient in zip(total, torch.autograd.grad(loss, replica.parameters()), strict=True):
            mean += gradient * (end - start) / len(batch)
    return iter(total)


@pytest.mark.parametrize(
    ("images", "shards", "bounds"),
    [
        (6, 1, [0, 6]),
        (6, 2, [0, 3, 6]),
        (5, 2, [0, 3, 5]),
        (7, 3, [0, 3, 5, 7]),
        (1, 2, [0, 1]),
        (2, 3, [0, 1, 2]),
    ],
)
def test_gradients_are_the_mean_over_the_shards(images: int, shards: int, bounds: list[int]) -> None:
    network, batch = make_network(), draw_batch(images)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    expected = gradients_by_hand(network, batch, bounds)
    make_step(network, rate=1.0, shards=shards).run(batch)
    for old, new, gradient in zip(before, network.parameters(), expected, strict=True):
        # The same float32 sums in another order and memory layout.
        torch.testing.assert_close(old - new.detach(), gradient, rtol=1e-4, atol=1e-6)


def test_shards_are_normalised_apart() -> None:
    """Otherwise the test above could not tell shards from the whole batch."""
    batch = draw_batch(6)
    parted, whole = (list(gradients_by_hand(make_network(), batch, bounds)) for bounds in ([0, 3, 6], [0, 6]))
    assert any((a - b).abs().max() > 1e-4 for a, b in zip(parted, whole, strict=True))


@pytest.mark.parametrize(("images", "shards", "first"), [(6, 2, 3), (5, 2, 3), (7, 3, 3), (1, 2, 1)])
def test_running_statistics_are_those_of_the_first_shard(images: int, shards: int, first: int) -> None:
    network, batch = make_network(), draw_batch(images)
    alone = copy.deepcopy(network)
    with torch.no_grad():
        alone(make_input(batch.images[:first], NORMALISATION, torch.contiguous_format))
    make_step(network, shards=shards).run(batch)
    for name, buffer in alone.named_buffers():
        torch.testing.assert_close(dict(network.named_buffers())[name], buffer, rtol=1e-6, atol=1e-7)
    assert int(network[1].num_batches_tracked) == 1


def test_the_loss_is_the_mean_over_the_images_not_over_the_shards() -> None:
    network, batch = make_network(), draw_batch(5)
    losses = []
    for start, end in ((0, 3), (3, 5)):
        shard, replica = batch.rows(start, end), copy.deepcopy(network)
        loss = segmenting().loss(replica(normalise(shard.images, NORMALISATION)), shard)
        losses.append(float(loss.detach()) * (end - start))
    assert make_step(network, shards=2).run(batch) == pytest.approx(sum(losses) / 5, rel=1e-6)


def test_a_process_without_an_image_takes_part_and_changes_nothing() -> None:
    """A batch of one image for two processes: the second one must enter every pass that the first one waits in."""
    network, batch = make_network(), draw_batch(1)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    passes = []
    network.register_forward_hook(lambda *_: passes.append(1))
    loss = make_step(network, processes=OneOfSeveral(count=2, rank=1), shards=2).run(batch)
    assert (loss, passes) == (0.0, [1])
    assert all(parameter.grad is not None and not parameter.grad.any() for parameter in network.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


@pytest.mark.parametrize("rank", [0, 1])
def test_each_process_weighs_its_images_so_that_the_mean_over_processes_is_right(rank: int) -> None:
    network, batch = make_network(), draw_batch(5)
    bounds = ([0, 3], [3, 5])[rank]
    shard = batch.rows(*bounds)
    alone = list(gradients_by_hand(network, shard, [0, len(shard)]))
    make_step(network, processes=OneOfSeveral(count=2, rank=rank), shards=2).run(batch)
    for parameter, gradient in zip(network.parameters(), alone, strict=True):
        torch.testing.assert_close(parameter.grad, gradient * 2 * len(shard) / 5, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shards", [1, 2])
def test_a_loss_that_is_not_finite_leaves_the_weights(shards: int) -> None:
    network, batch = make_network(), draw_batch(4)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    step = make_step(network, shards=shards, average=WeightAverage(network, 0.9))
    step._task = _Broken(step._task)
    with pytest.raises(TrainingDiverged, match="became nan in the batch image-0, image-1, image-2, image-3"):
        step.run(batch)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


class _Broken:
    """A task whose loss is NaN for the last image."""

    def __init__(self, task: TrainingTask) -> None:
        self._task = task

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        loss = self._task.loss(outputs, batch)
        return loss * float("nan") if "image-3" in batch.names else loss


def test_the_average_follows_each_step() -> None:
    network = make_network()
    average = WeightAverage(network, 0.9)
    step = make_step(network, average=average)
    for _ in range(3):
        step.run(draw_batch(2))
    assert average.steps == 3


def test_one_value_per_channel_is_refused_and_the_batch_named() -> None:
    """A classifier halves an image of 32 pixels down to one: a batch of one has nothing to normalise by."""
    dataset = ArrayDataset([np.zeros((4, 4), np.uint8)] * 3, labels=[0, 1, 2], names=LABELS)
    task = make_task(MODELS.get("shufflenet-v2-0.5").for_classes(LABELS), dataset, Objective("ce"))
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(1, 3)).train()
    step = make_step(network, task=task)
    batch = make_batch(np.arange(64, dtype=np.uint8).reshape(1, 8, 8), np.array([1]))
    with pytest.raises(DatasetError, match=r"image-0 \(8×8 pixels\).* one value per channel") as caught:
        step.run(batch)
    assert "--batch-size" in caught.value.remedy


def test_other_errors_of_a_network_stay_what_they_are() -> None:
    class Faulty(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise ValueError("a defect of the network")

    with pytest.raises(ValueError, match="a defect of the network"):
        make_step(Faulty()).run(draw_batch(1))


def test_the_forward_pass_may_run_in_bfloat16_and_weights_stay_in_32_bits() -> None:
    network, batch = make_network(), draw_batch(4)
    exact = make_step(copy.deepcopy(network)).run(batch)
    kinds = []
    network[0].register_forward_hook(lambda _module, _inputs, output: kinds.append(output.dtype))
    rounded = make_step(network, autocast=True).run(batch)
    assert kinds == [torch.bfloat16]
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    # bfloat16 keeps three digits; the mean over 256 pixels keeps more.
    assert rounded == pytest.approx(exact, rel=1e-2)
    assert rounded != exact


def test_input_is_normalised_and_channels_come_last_in_memory() -> None:
    colour = torch.randint(
        0, 256, (2, 5, 6, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    normalisation = Normalisation((0.1, 0.2, 0.3), (0.5, 0.6, 0.7))
    made = make_input(colour, normalisation, torch.channels_last)
    assert made.shape == (2, 3, 5, 6)
    assert made.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(make_input(colour, normalisation, torch.contiguous_format), made)
    assert float(made[1, 2, 3, 4]) == pytest.approx((float(colour[1, 3, 4, 2]) / 255 - 0.3) / 0.7, rel=1e-5)


def test_depthwise_networks_lie_plainly_in_memory_and_others_channels_last() -> None:
    orders = {name: memory_order(MODELS.get(name)) for name in ("cheapnet-m", "cheapnet-std-m", "unet-32")}
    assert orders["cheapnet-m"] is torch.contiguous_format
    assert orders["cheapnet-std-m"] is orders["unet-32"] is torch.channels_last
