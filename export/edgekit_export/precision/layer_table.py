"""The table that says which layers are in which precision, and why."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit_runtime.bundle.manifest import LayerInfo

_HEADINGS = ("layer", "operator", "precision", "SQNR", "reason")


def render_layers(layers: Sequence[LayerInfo]) -> str:
    """Return the table, one line per layer, in the order given; stages are named where there are several."""
    stages = {layer.stage for layer in layers}
    rows = [_HEADINGS, *(_describe(layer, several=len(stages) > 1) for layer in layers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join(_align(row, widths) for row in rows)


def _describe(layer: LayerInfo, *, several: bool) -> tuple[str, ...]:
    name = f"{layer.stage}: {layer.name}" if several else layer.name
    sqnr = "" if layer.sqnr_db is None else f"{layer.sqnr_db:.1f} dB"
    return (name, layer.operation, layer.precision, sqnr, layer.reason)


def _align(row: Sequence[str], widths: Sequence[int]) -> str:
    """Numbers end below each other, words begin so."""
    cells = [
        text.rjust(width) if heading == "SQNR" else text.ljust(width)
        for text, width, heading in zip(row, widths, _HEADINGS, strict=True)
    ]
    return "  ".join(cells).rstrip()
