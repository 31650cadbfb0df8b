"""Graph passes: one file each, applied and verified by `driver`."""
