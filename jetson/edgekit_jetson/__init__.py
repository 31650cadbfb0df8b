"""Jetson boards: what they are, and soon their sensors, clocks, power modes and provisioning."""

from edgekit_jetson.board import require_jetson

__all__ = ["require_jetson"]
