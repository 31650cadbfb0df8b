from __future__ import annotations

from edgekit_export.precision.layer_table import render_layers
from edgekit_runtime.bundle.manifest import LayerInfo


def test_columns_and_reasons():
    text = render_layers(
        [
            LayerInfo("main", "first.Conv", "Conv", "fp32", 9.25, "too sensitive"),
            LayerInfo("main", "b", "Conv", "int8", 44.0, ""),
            LayerInfo("main", "up", "ConvTranspose", "fp32", None, "no kernel"),
        ]
    )
    assert text.splitlines() == [
        "layer       operator       precision     SQNR  reason",
        "first.Conv  Conv           fp32        9.2 dB  too sensitive",
        "b           Conv           int8       44.0 dB",
        "up          ConvTranspose  fp32                no kernel",
    ]


def test_stages_are_named_where_there_are_several():
    layers = [LayerInfo(stage, "a", "Conv", "int8", 30.0, "") for stage in ("exit1", "exit2")]
    assert [line.split("  ")[0] for line in render_layers(layers).splitlines()[1:]] == [
        "exit1: a",
        "exit2: a",
    ]
