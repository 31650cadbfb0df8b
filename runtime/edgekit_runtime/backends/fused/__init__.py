"""The `fused` backend: light depthwise networks on a plain CPU, compiled by Numba from kernels of our own.

The way of a frame: `backend` hands it to the `interpreter`, whose threads (`team`, `atomics`) run the `kernels` on
`vectors`. What they run is the plan that `planning` made of the bundle's program when it was opened: `network` sees
the program as a graph of planes, `phases` says what is computed when, `demands` which rows a band needs, `layout`
where pixels lie, `instructions` how a plan is written down, and `weights` fills in the numbers.

Modules above the line import Numba and are imported when the backend is opened: `vectors`, `atomics`, `kernels`,
`interpreter`.
"""
