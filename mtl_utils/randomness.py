"""Chance without global seeds: each run has a random state of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral

import torch
from torch import Tensor

__all__ = ["RandomState", "generator", "seed_shift", "seeded"]

# One global generator serves all threads, so only one of them at a time may wear a random state of its own.
_worn = threading.RLock()


def _renew_lock() -> None:
    global _worn  # noqa: PLW0603
    _worn = threading.RLock()  # a process that is forked while another thread wears one would wait for it for ever


os.register_at_fork(after_in_child=_renew_lock)


def generator(seed: int) -> torch.Generator:
    """A CPU random generator with this seed. All chance of the library starts here.

    The environment variable `MTL_SEED_SHIFT` (a whole number, 0 if it is not set) is added to every seed, so that a whole
    notebook can be run again with other chance: see `mtl_utils.course.replicate`.

    Raises:
        ValueError: if the seed, or the shift, is not a whole number.

    Examples:
        >>> torch.randint(10, (3,), generator=generator(0)).tolist() == torch.randint(10, (3,), generator=generator(0)).tolist()
        True
    """
    if not isinstance(seed, Integral) or isinstance(seed, bool):
        raise ValueError(f"a seed must be a whole number, not {seed!r}")
    return torch.Generator().manual_seed(int(seed) + seed_shift())


def seed_shift() -> int:
    """What is added to every seed: the environment variable `MTL_SEED_SHIFT`, or 0.

    Example:
        >>> generator(3).initial_seed() - seed_shift()
        3
    """
    shift = os.environ.get("MTL_SEED_SHIFT") or "0"
    try:
        return int(shift)
    except ValueError:
        raise ValueError(f"the environment variable MTL_SEED_SHIFT must be a whole number, not {shift!r}") from None


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, PyTorch's global generator on the CPU starts at `seed`; afterwards it is as it was before.

    Examples:
        >>> with seeded(0):
        ...     first = torch.rand(3)
        >>> with seeded(0):
        ...     bool((torch.rand(3) == first).all())
        True
    """
    with RandomState(seed):
        yield


class RandomState:
    """PyTorch's global random state of one run, on the CPU and on one accelerator, worn only inside ``with``, and kept between.

    Dropout, initialization and TorchJD's aggregators draw from the global generator. A run that puts on its own state
    for each step is reproducible, and leaves everybody else's numbers alone, even when several runs take turns, or train in
    several threads: one waits while another wears its state. (Code that draws from the global generator in a thread without a
    state of its own still sees whichever is worn just then.)

    Args:
        seed: where the run's chance starts.
        device: where it computes, if not on the CPU alone: CUDA and Apple's MPS have generators of their own.

    Example:
        >>> first, second = RandomState(0), RandomState(0)
        >>> with first:
        ...     one = torch.rand(2)  # from the state of `first`
        >>> with second:
        ...     other = torch.rand(2)
        >>> torch.equal(one, other)
        True
    """

    def __init__(self, seed: int, device: torch.device | None = None) -> None:
        self._device = device if device is not None and device.type in ("cuda", "mps") else None
        start = generator(seed).initial_seed()
        with _worn:
            outer = self._read()
            try:
                torch.default_generator.manual_seed(start)
                if self._device is not None and self._device.type == "cuda":
                    with torch.cuda.device(self._device):
                        torch.cuda.manual_seed(start)
                elif self._device is not None:
                    torch.mps.manual_seed(start)
                self._own = self._read()
            finally:
                self._write(outer)
        self._outer = outer

    def __enter__(self) -> RandomState:
        self._lock = _worn
        self._lock.acquire()
        try:
            self._outer = self._read()
            self._write(self._own)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._own = self._read()
        finally:
            try:
                self._write(self._outer)
            finally:
                self._lock.release()

    def _read(self) -> tuple[Tensor, Tensor | None]:
        if self._device is None:
            return torch.get_rng_state(), None
        there = torch.cuda.get_rng_state(self._device) if self._device.type == "cuda" else torch.mps.get_rng_state()
        return torch.get_rng_state(), there

    def _write(self, state: tuple[Tensor, Tensor | None]) -> None:
        here, there = state
        torch.set_rng_state(here)
        if self._device is None or there is None:
            return
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(there, self._device)
        else:
            torch.mps.set_rng_state(there)
