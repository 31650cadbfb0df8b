"""Engines: ONNX graphs compiled by NVIDIA's TensorRT libraries.

The way of a graph: `building` checks it with `graph_checks` and hands it to a process of its own, where `compiler`
drives the library; `exchange` is what the two say to each other. `refusals` turns what the library objects to into
errors that say what to do, `build_log` reads which layers it made. `nvidia_library` and `compute_capability` hold what
only TensorRT-RTX has.

TensorRT-RTX compiles without a GPU. Everything that takes an engine (deserialising, inspecting, running) needs one.
"""
