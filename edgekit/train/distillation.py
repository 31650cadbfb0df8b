"""Learning from a teacher: its softened answers, and where it looks.

Hinton, Vinyals, Dean: "Distilling the Knowledge in a Neural Network" (2015), with the factor T² that keeps the
gradients' size. Zagoruyko, Komodakis: "Paying More Attention to Attention" (2017), activation-based attention maps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from edgekit.train.batches import Batch
from edgekit.train.outputs import Outputs, soften, take_last
from edgekit.train.recipe import Distillation
from edgekit.train.tasks import TrainingTask
from edgekit_runtime.errors import UsageProblem

Features = dict[tuple[int, int], torch.Tensor]
"""(height, width) → feature maps, float (N, C, height, width)."""


class Teacher:
    """A trained network whose answers a student imitates; it is never changed.

    One with early exits teaches by its last answer, and one answer teaches every exit that the student's loss weighs.

    Args:
        network: The teacher; it takes the student's input.
        choice: What is imitated.

    Attributes:
        compares_features: Whether the student's feature maps are needed.
    """

    def __init__(self, network: nn.Module, choice: Distillation) -> None:
        self._network = network.eval().requires_grad_(False)
        self._choice = choice
        self.compares_features = choice.feature_weight > 0

    def loss(
        self,
        images: torch.Tensor,
        answers: Outputs,
        features: Features,
        truth_loss: torch.Tensor,
        *,
        batch: Batch,
        task: TrainingTask[Any],
    ) -> torch.Tensor:
        """Return the student's whole loss.

        Args:
            images: What the student saw, float (N, C, H, W).
            answers: The student's logits, of every exit where it has several.
            features: The student's feature maps, as `record_features` gives them.
            truth_loss: The loss against the truth.
            batch: The truth, and which pixels count.
            task: How answers are compared.

        Raises:
            UsageProblem: If feature maps are compared and the two networks have none of one resolution.
        """
        choice = self._choice
        with torch.no_grad(), record_features(self._network, active=self.compares_features) as own:
            # Its last digits count once they are softened: 16 bits end at 0.996 before 1.
            wanted = take_last(self._network(images)).float()
        softened = soften(answers, choice.temperature)
        imitation = task.distance(softened, wanted / choice.temperature, batch)
        share = choice.logit_weight
        loss = (1 - share) * truth_loss + share * imitation * choice.temperature**2
        if self.compares_features:
            loss = loss + choice.feature_weight * compare_attention(features, own)
        return loss


@contextmanager
def record_features(network: nn.Module, *, active: bool = True) -> Iterator[Features]:
    """Yield a network's feature maps by resolution, filled by its next forward pass.

    Of the outputs of one resolution the last one stays: it has seen the most. Maps of one channel are answers.
    """
    features: Features = {}

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == 4 and output.shape[1] > 1:
            height, width = output.shape[2:]
            features[height, width] = output

    parts = [module for module in network.modules() if module is not network] if active else []
    hooks = [part.register_forward_hook(keep) for part in parts]
    try:
        yield features
    finally:
        for hook in hooks:
            hook.remove()


def attend(features: torch.Tensor) -> torch.Tensor:
    """Return where feature maps (N, C, H, W) are active: mean square over C, float (N, H × W), of length 1."""
    return nn.functional.normalize(features.float().square().mean(dim=1).flatten(1), dim=1)


def compare_attention(student: Features, teacher: Features) -> torch.Tensor:
    """Return the squared distance of the attention maps, mean over images and over the resolutions that both have.

    Raises:
        UsageProblem: If they have none in common.
    """
    common = [size for size in student if size in teacher]
    if not common:
        raise UsageProblem(
            "Student and teacher have no feature maps of one resolution.",
            remedy="Take another teacher, or leave --distil-features out.",
        )
    distances = [
        (attend(student[size]) - attend(teacher[size])).square().sum(dim=1).mean() for size in common
    ]
    return torch.stack(distances).mean()
