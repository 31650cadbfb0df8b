"""Splits that cannot leak, and which part of a split a command means."""
