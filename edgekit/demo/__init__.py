"""The demonstration: generated images → the shipped bundle → defects, as a picture and a page."""

from edgekit.demo.run import DemoOutcome, run_demo

__all__ = ["DemoOutcome", "run_demo"]
