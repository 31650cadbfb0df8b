"""The table of models that ships as `table.json`, so that `edgekit models` works without torch.

`python -m edgekit.models.table` writes it anew; a test compares it with the counter.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgekit.models.catalogue import MODELS
from edgekit.models.spec import ModelSpec

SCHEMA = "edgekit.models/1"
TABLE_FILE = Path(__file__).with_name("table.json")


def read_table() -> dict[str, Any]:
    """Return the shipped document `edgekit.models/1`."""
    document: dict[str, Any] = json.loads(TABLE_FILE.read_text(encoding="utf-8"))
    return document


def make_table() -> dict[str, Any]:
    """Count every model anew and return the document. Needs torch."""
    return {
        "schema": SCHEMA,
        "models": [describe_model(spec) for spec in MODELS],
        "families": list(MODELS.patterns),
    }


def describe_model(spec: ModelSpec) -> dict[str, Any]:
    """Count one model at its default size. Needs torch; the network is built without memory for its weights.

    The MACs of an exit are those of an image that leaves there: all that it has cost.
    """
    import torch

    from edgekit.models.counting import count_cost, count_exit_macs
    from edgekit.models.registry import build_model

    with torch.device("meta"):
        network: Any = build_model(spec)
    macs = count_cost(network, spec.input_shape, rule="macs")
    flops = count_cost(network, spec.input_shape, rule=spec.flops_rule)
    exits = count_exit_macs(network, spec.input_shape) if spec.exit_thresholds else ()
    return {
        "name": spec.name,
        "task": spec.task,
        "input": list(spec.input_shape),
        "multiple": spec.multiple,
        "classes": list(spec.classes),
        "parameters": macs.parameters,
        "macs": macs.operations,
        "flops": flops.operations,
        "flops_rule": spec.flops_rule,
        "paper": spec.paper,
        "recipe": spec.recipe,
        "exits": [
            {"threshold": threshold, "macs": spent}
            for threshold, spent in zip(spec.exit_thresholds, exits, strict=True)
        ],
    }


def write_table() -> None:
    """Write table.json."""
    TABLE_FILE.write_text(json.dumps(make_table(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_table()
