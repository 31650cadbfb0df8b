"""Checkpoints: a network's weights with everything needed to use them, in files that cannot run code."""

from edgekit.checkpoints.backbones import load_backbone
from edgekit.checkpoints.format import Checkpoint, load_checkpoint, load_network, save_checkpoint

__all__ = ["Checkpoint", "load_backbone", "load_checkpoint", "load_network", "save_checkpoint"]
