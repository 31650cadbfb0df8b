"""A stage as a program for the `fused` backend: found in the graph, evaluated with bounds, compared with torch."""
