"""Which published images a split may draw from, so that no source image occurs in two splits."""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_utils._checks import check_positive

VALIDATION_POOL = 10_000


def source_pools(generator: torch.Generator) -> dict[str, Tensor]:
    """Indices into the published images: `train` (50,000) and `val` (10,000) of the training part, `test` of the test part.

    The cut does not depend on how many images are asked for, so no validation image of one size is a training image of
    another. Which of a pool are drawn, and what else is left to chance (places, colors, random labels), may depend on it.
    """
    order = torch.randperm(60_000, generator=generator)
    return {"train": order[VALIDATION_POOL:], "val": order[:VALIDATION_POOL], "test": torch.arange(10_000)}


def draw(pool: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """`size` indices from the pool: each at most once before any comes again."""
    rounds = -(-size // len(pool))
    return torch.cat([pool[torch.randperm(len(pool), generator=generator)] for _ in range(rounds)])[:size]


def choose_once(train: int, val: int, test: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Indices of source images for splits in which no image occurs twice: `train`, `val` and `test`.

    Raises:
        ValueError: if a size is not above zero, or more than there are (50,000 / 10,000 / 10,000).
    """
    for part, size, most in (("train", train, 50_000), ("val", val, 10_000), ("test", test, 10_000)):
        check_positive(f"the number of {part} images", size)
        if size > most:
            raise ValueError(f"{size:,} {part} images were asked for, MNIST has {most:,}")
    pools = source_pools(generator)
    return {
        "train": pools["train"][:train],
        "val": pools["val"][:val],
        "test": torch.randperm(10_000, generator=generator)[:test],
    }
