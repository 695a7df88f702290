"""`Columns`: named rows of one float32 matrix, one column per environment: a structure of arrays that copies as one."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Numbers of a batch, float32 unless it is said.
Array = NDArray[Any]

Layout = Mapping[str, tuple[int, ...]]


class Columns:
    """Named arrays ``(…, N)`` that share one matrix ``data (rows, N)``, so that environments are picked in one gather.

    Args:
        layout: name and shape of each array, without its last axis; ``()`` for one number per environment.
        count: N, environments.
        data: ``(rows, N)`` float32; None: zeros.
    """

    def __init__(self, layout: Layout, count: int, data: Array | None = None) -> None:
        rows = sum(prod(shape) for shape in layout.values())
        self.layout = layout
        self.data = np.zeros((rows, count), np.float32) if data is None else data
        self._views: dict[str, Array] = {}
        self._spans: dict[str, tuple[int, int]] = {}
        at = 0
        for name, shape in layout.items():
            stop = at + prod(shape)
            self._spans[name] = at, stop
            self._views[name] = self.data[at:stop].reshape(*shape, self.data.shape[1])
            at = stop

    def __len__(self) -> int:
        return int(self.data.shape[1])

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __setitem__(self, name: str, value: Array | float) -> None:
        self._views[name][...] = value

    def rows(self, first: str, last: str) -> Array:
        """All rows from one array to another, ``(rows, N)``, to work on at once; both included."""
        return self.data[self._spans[first][0] : self._spans[last][1]]

    def take(self, index: np.ndarray) -> Columns:
        """The environments ``index``, copied; an environment may be taken many times."""
        return Columns(self.layout, len(index), self.data.take(index, axis=1))

    def put(self, index: np.ndarray, other: Columns) -> None:
        """Overwrite the environments ``index`` by those of ``other``."""
        self.data[:, index] = other.data

    def copy(self) -> Columns:
        """The same, apart."""
        return Columns(self.layout, len(self), self.data.copy())
