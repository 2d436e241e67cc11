"""Whether images, names of targets and a normalization fit each other; a `ValueError` in words if not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mtl_utils.datasets.on_demand import OnDemand
from mtl_utils.datasets.pixels import Normalization
from mtl_utils.tasks import Task


def check_images(images: object) -> None:
    """Raise unless these are `uint8` images `[N, C, H, W]`, at least one of them, with at least one pixel."""
    if not isinstance(images, Tensor | OnDemand) or images.dtype != torch.uint8 or images.dim() != 4:
        found = f"{images.dtype} {tuple(images.shape)}" if isinstance(images, Tensor | OnDemand) else type(images).__name__
        raise ValueError(f"images must be a uint8 tensor [N, C, H, W], not {found}")
    if len(images) == 0:
        raise ValueError("a split needs at least one image, there is none")
    if images.numel() == 0:
        raise ValueError(f"images must have channels, height and width above zero, not {tuple(images.shape[1:])}")


def check_names(targets: Mapping[str, object], tasks: Sequence[Task]) -> list[str]:
    """The names of the tasks; raise unless there are targets for each of them, and for no other."""
    names = [task.name for task in tasks]
    if missing := [name for name in names if name not in targets]:
        raise ValueError(f"no targets for task '{missing[0]}'; there are targets for {list(targets)}")
    if extra := [name for name in targets if name not in names]:
        raise ValueError(f"targets for '{extra[0]}', but no task of that name; the tasks are {names}")
    return names


def check_normalization(normalization: Normalization, *, channels: int) -> None:
    """Raise unless there is a finite mean and a standard deviation above zero for each channel."""
    if any(len(values) != channels for values in normalization) or not all(
        math.isfinite(mean) and 0 < std < math.inf for mean, std in zip(*normalization, strict=True)
    ):
        raise ValueError(
            f"a normalization needs a finite mean and a standard deviation above zero for each of {channels} channels, not "
            f"{normalization}"
        )
