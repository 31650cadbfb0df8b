"""From a model's name to a bundle: which weights, which sample images, and the call of the exporter."""

from edgekit.bundling.export import Lowering, export_model

__all__ = ["Lowering", "export_model"]
