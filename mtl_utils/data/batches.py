"""Batches that come from elsewhere than a split (a `DataLoader`, a list), checked one by one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from mtl_utils.data.split import Batch
from mtl_utils.tasks import Task


def checked_batches(batches: Iterable[Batch], tasks: Sequence[Task]) -> Iterator[Batch]:
    """The same batches, once each has been found to fit the tasks; in the types that models and losses take.

    Args:
        batches: `(images, {task: targets})`; images are real-valued, `[n, C, H, W]`, and come as `float32`.
        tasks: the tasks to look for. Targets of others are left out.

    Raises:
        ValueError: in words, which task's targets do not fit, what was expected and what came.
    """
    for batch in batches:
        if not isinstance(batch, Sequence) or len(batch) != 2 or not isinstance(batch[1], Mapping):
            raise ValueError(f"a batch must be a pair (images, {{task: targets}}), not {_described(batch)}")
        images, targets = batch
        if not isinstance(images, Tensor) or not images.is_floating_point():
            raise ValueError(
                f"a batch's images must be a tensor of real values, such as torch.float32, not {_described(images)}; "
                "a Split turns uint8 images into them"
            )
        if images.dim() < 2:
            raise ValueError(f"a batch's images must be a tensor [n, C, H, W], not of shape {tuple(images.shape)}")
        images = images.to(torch.float32)
        # The sum is forty times faster than to look at every value, and finite only if all of them are.
        if not math.isfinite(images.sum().item()) and not torch.isfinite(images).all():
            # Told here, for a running mean of batch norm that has met such an image never recovers.
            raise ValueError("a batch's images hold values that are not finite (NaN or infinite)")
        height, width = images.shape[-2:]
        for task in tasks:
            task.check_targets(target_of(targets, task), count=len(images), image_size=(height, width), whole_split=False)
        yield (
            images,
            {task.name: targets[task.name].to(torch.int64 if task.is_classification else images.dtype) for task in tasks},
        )


def target_of(targets: Mapping[str, Tensor], task: Task) -> Tensor:
    """A task's targets; a `ValueError` in words if the batch has none."""
    if task.name not in targets:
        raise ValueError(f"the batch has no targets for task '{task.name}'; it has targets for {list(targets)}")
    return targets[task.name]


def _described(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a {value.dtype} tensor"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"a {type(value).__name__} of {', '.join(type(each).__name__ for each in value)}"
    return f"a {type(value).__name__}"
