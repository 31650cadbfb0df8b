"""Metrics, and one evaluation for checkpoints and bundles."""
