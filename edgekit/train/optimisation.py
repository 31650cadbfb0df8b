"""Optimisers by name, and the course of the learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import nn

from edgekit.train.recipe import Course, Optimiser, Recipe

MakeOptimiser = Callable[[Iterable[nn.Parameter], Optimiser], torch.optim.Optimizer]

CYCLE_RISE = 0.3
CYCLE_START_DIVISOR = 25.0
CYCLE_END_DIVISOR = 1e4
"""torch's OneCycleLR: rises over 30 % of the steps from 1/25 of the largest rate, and ends at 1/10,000 of the start."""


def _make_adam(parameters: Iterable[nn.Parameter], choice: Optimiser) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=choice.learning_rate, weight_decay=choice.weight_decay)


def _make_adamw(parameters: Iterable[nn.Parameter], choice: Optimiser) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=choice.learning_rate, weight_decay=choice.weight_decay)


def _make_sgd(parameters: Iterable[nn.Parameter], choice: Optimiser) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        parameters, lr=choice.learning_rate, momentum=choice.momentum, weight_decay=choice.weight_decay
    )


OPTIMISERS: Mapping[str, MakeOptimiser] = {"adam": _make_adam, "adamw": _make_adamw, "sgd": _make_sgd}


def make_optimiser(choice: Optimiser, network: nn.Module) -> torch.optim.Optimizer:
    """Return the optimiser over every parameter of the network that is trained."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return OPTIMISERS[choice.name](trained, choice)


def learning_rate_at(recipe: Recipe, epoch: int, step: int, steps: int) -> float:
    """Return the learning rate of a step.

    A function of the place in the run alone, so that a resumed run needs no scheduler state.

    Args:
        recipe: Whose course and largest rate are taken.
        epoch: From 0.
        step: Within the epoch, from 0.
        steps: Per epoch.
    """
    largest = recipe.optimiser.learning_rate
    return COURSES[recipe.course.name](recipe.course, largest, recipe.epochs, epoch, step, steps)


def _follow_steps(course: Course, largest: float, _epochs: int, epoch: int, _step: int, _steps: int) -> float:
    passed = sum(epoch >= milestone for milestone in course.milestones)
    return largest * course.gamma**passed


def _follow_cosine(course: Course, largest: float, epochs: int, epoch: int, step: int, steps: int) -> float:
    """Rise linearly in every step of the warm-up, the first above 0; then half a cosine, 0 just after the last."""
    done = epoch * steps + step
    rising = course.warmup_epochs * steps
    if done < rising:
        return largest * (done + 1) / rising
    return largest * (1 + math.cos(math.pi * (done - rising) / (epochs * steps - rising))) / 2


def _follow_cycle(_course: Course, largest: float, epochs: int, epoch: int, step: int, steps: int) -> float:
    start = largest / CYCLE_START_DIVISOR
    last = epochs * steps - 1
    top = CYCLE_RISE * epochs * steps - 1
    done = epoch * steps + step
    if done <= top:
        return _anneal(start, largest, done / top if top > 0 else 1.0)
    return _anneal(largest, start / CYCLE_END_DIVISOR, (done - top) / (last - top) if last > top else 1.0)


def _anneal(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


COURSES: Mapping[str, Callable[[Course, float, int, int, int, int], float]] = {
    "steps": _follow_steps,
    "cosine": _follow_cosine,
    "one-cycle": _follow_cycle,
}


def set_learning_rate(optimiser: torch.optim.Optimizer, value: float) -> None:
    """Set the learning rate of every parameter group."""
    for group in optimiser.param_groups:
        group["lr"] = value
