"""The networks, and a registry of them that works without torch."""

from edgekit.models.catalogue import MODELS
from edgekit.models.registry import ModelFamily, ModelRegistry, build_model
from edgekit.models.spec import ModelSpec

__all__ = ["MODELS", "ModelFamily", "ModelRegistry", "ModelSpec", "build_model"]
