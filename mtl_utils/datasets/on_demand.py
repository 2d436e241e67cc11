"""Rows of a large tensor that are made when a batch asks for them: images that are decoded from their files, say."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

from mtl_utils._checks import is_whole

Item = TypeVar("Item")
Made = TypeVar("Made")


class OnDemand:
    """Stands where a data set expects a tensor `[N, …]`, and reads the rows that are asked for.

    Args:
        read: makes the rows with these numbers, as a tensor `[n, *shape]` of type `dtype`. May be called from another thread.
        rows: the numbers of the rows, in order.
        shape: of one row.
        dtype: of the values.
        labelled: for targets, which rows have a label at all, `bool` `[N]`: known without reading them.
    """

    def __init__(
        self,
        read: Callable[[Sequence[int]], Tensor],
        rows: Tensor,
        shape: tuple[int, ...],
        dtype: torch.dtype,
        labelled: Tensor | None = None,
    ) -> None:
        self._read, self._rows, self._row_shape, self.dtype, self.labelled = read, rows, shape, dtype, labelled

    @property
    def shape(self) -> tuple[int, ...]:
        """As a tensor's."""
        return (len(self), *self._row_shape)

    def dim(self) -> int:
        """Number of dimensions, as a tensor's."""
        return len(self.shape)

    def numel(self) -> int:
        """Number of values, as a tensor's."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"OnDemand({'×'.join(str(size) for size in self.shape)}, {self.dtype})"

    def __getitem__(self, chosen: Tensor | slice | int | Sequence[int]) -> Tensor:
        """The rows that are chosen, read now."""
        if is_whole(chosen):
            return self._read([int(self._rows[chosen])])[0]
        return self._read(self._rows[chosen].tolist())

    def view(self, chosen: Tensor | slice) -> OnDemand:
        """Some of the rows, still unread."""
        labelled = None if self.labelled is None else self.labelled[chosen]
        return OnDemand(self._read, self._rows[chosen], self._row_shape, self.dtype, labelled)


def some_rows(values: Tensor | OnDemand, chosen: Tensor | slice) -> Tensor | OnDemand:
    """Some rows of a tensor, or of values that stay unread."""
    return values.view(chosen) if isinstance(values, OnDemand) else values[chosen]


def read_ahead(make: Callable[[Item], Made], items: Iterable[Item], *, ahead: int = 2) -> Iterator[Made]:
    """What `make` gives for each item, in order, made in another thread while the one before is in use."""
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="read ahead") as worker:
        try:
            for item in items:
                waiting.append(worker.submit(make, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
