"""edgekit: train light surface-defect networks, export them, and run them on production lines."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("edgekit")
except PackageNotFoundError:  # a source tree on the path, not installed
    __version__ = "0+unknown"
