"""The models by name: an explicit table, and families such as `cheapnet-g<N>` whose names carry a number."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.models.spec import ModelSpec
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.near_names import suggest
from edgekit_runtime.optional import import_optional

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ModelFamily:
    """Models that differ in one number, such as `cheapnet-g<N>`.

    Attributes:
        pattern: What a person types, with <N> for the number.
        make: Builds the entry for a number.
        largest: The largest number that is accepted.
    """

    pattern: str
    make: Callable[[int], ModelSpec]
    largest: int

    def match(self, name: str) -> ModelSpec | None:
        """Return the entry if the name belongs to the family."""
        expression = re.escape(self.pattern).replace("<N>", r"([1-9][0-9]{0,5})")
        found = re.fullmatch(expression, name)
        if found is None:
            return None
        number = int(found.group(1))
        if number > self.largest:
            raise UsageProblem(
                f"{name!r} asks for {number}; {self.pattern} goes up to {self.largest}.",
                remedy="Choose a smaller number.",
            )
        return self.make(number)


class ModelRegistry:
    """Names and families of models."""

    def __init__(self) -> None:
        self._specs: dict[str, ModelSpec] = {}
        self._families: list[ModelFamily] = []

    def add(self, spec: ModelSpec) -> None:
        """Add a model.

        Raises:
            ValueError: If the name is taken.
        """
        if spec.name in self._specs:
            raise ValueError(f"The model {spec.name!r} is registered twice.")
        self._specs[spec.name] = spec

    def add_family(self, family: ModelFamily) -> None:
        """Add a family of models.

        Raises:
            ValueError: If the pattern is taken.
        """
        if any(other.pattern == family.pattern for other in self._families):
            raise ValueError(f"The family {family.pattern!r} is registered twice.")
        self._families.append(family)

    def get(self, name: str) -> ModelSpec:
        """Return the model of a name.

        Raises:
            UsageProblem: If there is none; the message suggests near names.
        """
        if name in self._specs:
            return self._specs[name]
        for family in self._families:
            spec = family.match(name)
            if spec is not None:
                return spec
        known = [*self._specs, *(family.pattern for family in self._families)]
        raise UsageProblem(
            f"There is no model {name!r}. {suggest(name, known)}", remedy="`edgekit models` lists them all."
        )

    def __contains__(self, name: object) -> bool:
        try:
            self.get(str(name))
        except UsageProblem:
            return False
        return True

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self._specs.values())

    @property
    def patterns(self) -> tuple[str, ...]:
        """The families' patterns."""
        return tuple(family.pattern for family in self._families)


def build_model(spec: ModelSpec, *, seed: int | None = None) -> nn.Module:
    """Build a network with fresh weights.

    Args:
        spec: The registry entry.
        seed: Seeds the initial weights; the caller's random state is left as it was. None draws from that state.

    Raises:
        MissingDependency: If torch is not installed.
    """
    torch = import_optional("torch", extra="train")
    module_name, function_name = spec.factory.split(":")
    factory = getattr(importlib.import_module(module_name), function_name)
    if seed is None:
        network: nn.Module = factory(**spec.arguments)
        return network
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        seeded: nn.Module = factory(**spec.arguments)
    return seeded
