"""What ships in the package: demo weights trained on generated images only, and a finished bundle.

shipped/cheapnet-s/            checkpoint, with the record of its training
shipped/cheapnet-m/            checkpoint, with the record of its training
shipped/cheapnet-s.edgekit/    the bundle that `edgekit demo` and `edgekit bench` take
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent

DEMO_BUNDLE = _HERE / "cheapnet-s.edgekit"
"""Read by the runtime alone: it needs no torch."""


def find_shipped_checkpoint(model: str) -> Path | None:
    """Return the folder of a model's demo weights, or None where none ship."""
    folder = _HERE / model
    return folder if (folder / "checkpoint.json").is_file() else None


def list_shipped_checkpoints() -> tuple[str, ...]:
    """Return the models whose demo weights ship, by name."""
    return tuple(sorted(path.parent.name for path in _HERE.glob("*/checkpoint.json")))
