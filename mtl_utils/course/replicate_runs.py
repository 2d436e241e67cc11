"""One way to run a notebook again, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mtl_utils.course.recording import Judged

# PyTorch, oneDNN and MKL choose their kernels by the processor. These make one compute as an older one would.
MACHINES: dict[str, dict[str, str]] = {
    "two-threads": {"OMP_NUM_THREADS": "2"},
    "one-thread": {"OMP_NUM_THREADS": "1"},
    "default": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "avx512": {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "MKL_ENABLE_INSTRUCTIONS": "AVX512"},
}


class Place(NamedTuple):
    """Where a claim stands: its notebook, its cell, and which of the cell's claims it is."""

    notebook: str
    cell: int
    nth: int


@dataclass(frozen=True)
class Run:
    """One way to run a notebook: with shifted seeds, or as another machine."""

    shift: int = 0
    machine: str = "as it is"
    threads: int | None = None

    @property
    def name(self) -> str:
        """What the table calls it."""
        return f"seeds {self.shift:+}" if self.shift else self.machine

    def environment(self) -> dict[str, str]:
        """The variables that make a kernel compute so."""
        threads = {"OMP_NUM_THREADS": str(self.threads)} if self.threads else {}
        return {**threads, **MACHINES.get(self.machine, {}), "MTL_SEED_SHIFT": str(self.shift)}


@dataclass(frozen=True)
class Outcome:
    """What a run of a notebook found: its claims with their places, the cells that raised; `cut` if the kernel died or hung."""

    notebook: str
    run: Run
    claims: dict[Place, Judged]
    errors: tuple[str, ...]
    seconds: float
    printed: str = ""
    cut: bool = False
