"""Which board this is. The runtime knows it too (its devices ask), so the question lives there and is asked here."""

from edgekit_runtime.platforms import Jetson, require_jetson

__all__ = ["Jetson", "require_jetson"]
