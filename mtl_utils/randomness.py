"""Chance without global seeds: each run has a random state of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def generator(seed: int) -> torch.Generator:
    """A CPU random generator with this seed."""
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise ValueError(f"a seed must be a whole number, not {seed!r}")
    return torch.Generator().manual_seed(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, PyTorch's global generators start at `seed`; afterwards they are as they were before."""
    with RandomState(seed):
        yield


class RandomState:
    """PyTorch's global random state of one run, worn only inside ``with``, and kept between.

    Dropout, initialisation and TorchJD's aggregators draw from the global generator. A run that puts on its own state
    for each step is reproducible, and leaves everybody else's numbers alone, even when several runs take turns.
    """

    def __init__(self, seed: int, device: torch.device | None = None) -> None:
        self._cuda = device if device is not None and device.type == "cuda" else None
        outer = self._read()
        torch.default_generator.manual_seed(generator(seed).initial_seed())
        if self._cuda is not None:
            with torch.cuda.device(self._cuda):
                torch.cuda.manual_seed(seed)
        self._own = self._read()
        self._write(outer)
        self._outer = outer

    def __enter__(self) -> RandomState:
        self._outer = self._read()
        self._write(self._own)
        return self

    def __exit__(self, *_: object) -> None:
        self._own = self._read()
        self._write(self._outer)

    def _read(self) -> tuple[Tensor, Tensor | None]:
        return torch.get_rng_state(), None if self._cuda is None else torch.cuda.get_rng_state(self._cuda)

    def _write(self, state: tuple[Tensor, Tensor | None]) -> None:
        torch.set_rng_state(state[0])
        if self._cuda is not None and state[1] is not None:
            torch.cuda.set_rng_state(state[1], self._cuda)
