"""The `fused` backend: light depthwise networks on a plain CPU, compiled by Numba from kernels of our own.

The way of a frame: `backend` hands it to a `session`, whose threads (`team`, `atomics`) run the `interpreter`, and that
the kernels (`stem_kernels`, `plane_kernels`, `sum_kernels`), written with `vectors`.

What they run is the plan that `planning` made when the bundle was opened: `network` sees the program as a graph of
planes, `phases` says what is computed when, `demands` which rows a band needs, `layout` and `memory` where pixels lie,
`writing` puts it down as `instructions`, and `weights` fills in the numbers.

Kernels, `vectors`, `atomics` and `interpreter` import Numba, and are themselves imported when a bundle is opened.
"""
