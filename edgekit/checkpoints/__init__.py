"""Checkpoints: a network's weights with everything needed to use them, in files that cannot run code."""

from edgekit.checkpoints.format import Checkpoint, load_checkpoint, load_network, save_checkpoint

__all__ = ["Checkpoint", "load_checkpoint", "load_network", "save_checkpoint"]
