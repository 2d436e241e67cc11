"""Which published images a split may draw from, so that no source image occurs in two splits."""

from __future__ import annotations

import torch
from torch import Tensor

VALIDATION_POOL = 10_000


def source_pools(chance: torch.Generator) -> dict[str, Tensor]:
    """Indices into the published images: `train` (50,000) and `val` (10,000) of the training part, `test` of the test part.

    The cut does not depend on how many images are asked for, so the validation images of one size are those of any other.
    """
    order = torch.randperm(60_000, generator=chance)
    return {"train": order[VALIDATION_POOL:], "val": order[:VALIDATION_POOL], "test": torch.arange(10_000)}


def draw(pool: Tensor, size: int, chance: torch.Generator) -> Tensor:
    """`size` indices from the pool: each at most once before any comes again."""
    rounds = -(-size // len(pool))
    return torch.cat([pool[torch.randperm(len(pool), generator=chance)] for _ in range(rounds)])[:size]
