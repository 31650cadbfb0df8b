"""Graphs in a lower precision: fp16 by casts, int8 by quantisation that stands in the graph."""
