"""Choosing on measured figures: where a bundle's threshold and least area lie, and which model to take."""
