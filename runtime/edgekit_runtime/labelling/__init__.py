"""Two ways to the connected regions of a mask, with the same answer: NumPy, and kernels compiled by Numba.

Both work on the runs of the mask's rows: pixels of one class side by side. Both also find the regions of an endless
web, band by band: the last row of one band comes before the runs of the next. `edgekit_runtime.regions` is the door.
"""
