"""The kinds of arrays that columns are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def grown(array: npt.NDArray[Any], size: int, fill: Any = 0) -> npt.NDArray[Any]:
    """A longer copy along the last axis, with `fill` in what is new."""
    larger = np.full((*array.shape[:-1], size), fill, dtype=array.dtype)
    larger[..., : array.shape[-1]] = array
    return larger
