"""How `memmpy-0.1.2` was made, once, with ``pip install memmpy==0.1.2``, another package."""

import sys

import numpy as np

import memmpy

path = sys.argv[1]

with memmpy.WriteVector(path, "met") as column:
    column.extend(np.array([10.5, 20.25, 30.0, 40.0], np.float32))
with memmpy.WriteVector(path, "jet_pt") as column:
    column.append(np.array([[1, 2], [3, 4]], np.int64))
    column.append(np.array([[5, 6], [7, 8]], np.int64))
with memmpy.WriteVector(path, "process") as column:
    column.append(np.array(0x6A5C9B1F_2D3E4F50, np.uint64))
with memmpy.WriteJagged(path, "hits") as column:
    column.append(np.array([1.5, 2.5]))
    column.append(np.array([3.5]))
with memmpy.WriteShaped(path, "images") as column:
    column.append(np.arange(6, dtype=np.int16).reshape(2, 3))
    column.append(np.arange(2, dtype=np.int16).reshape(2, 1))
memmpy.compute_cut_batched(path, "met > 15")
