"""Augmentation by torchvision's transforms, which move masks along with their pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision import tv_tensors

from mtl_utils.randomness import seeded
from mtl_utils.tasks import MISSING_CLASS, Batch, Targets, Task

# Class numbers are moved up by this, so that what a turned mask uncovers (0) is no class.
_UP = 1


class Augmentation:
    """Changes each training image by chance, and its masks in the same way.

    Give it to a training split: `splits.with_train(splits.train.with_augmentation(Augmentation(v2.RandomHorizontalFlip())))`.
    Validation and test images stay as they are.

    Args:
        transform: from `torchvision.transforms.v2`; takes `uint8` images and must keep their size.
        per_image: draw anew for each image; otherwise once for the whole batch, which is faster.

    Example:
        >>> from torchvision.transforms import v2
        >>> flip = Augmentation(v2.RandomHorizontalFlip(p=1))
        >>> row = torch.tensor([[[[1, 2, 3]]]], dtype=torch.uint8)
        >>> flip(row, {}, [], torch.Generator())[0].flatten().tolist()
        [3, 2, 1]
    """

    def __init__(self, transform: Callable[..., Any], *, per_image: bool = True) -> None:
        if not callable(transform):
            raise ValueError(f"an augmentation takes a transform, such as v2.RandomHorizontalFlip(), not {transform!r}")
        self.transform, self.per_image = transform, per_image

    def __repr__(self) -> str:
        return f"Augmentation({self.transform!r}, per_image={self.per_image})"

    def __call__(self, images: Tensor, targets: Targets, tasks: Sequence[Task], generator: torch.Generator) -> Batch:
        """Images `uint8` `[n, C, H, W]` and targets, changed.

        Raises:
            ValueError: if a task has answers that this cannot move (real values or a grid), or the size changes.
        """
        for task in tasks:
            if task.stride is not None and not (task.is_per_pixel and task.is_classification):
                raise ValueError(f"task '{task.name}': an augmentation cannot move the targets of a {task.kind} task")
        per_pixel = [task.name for task in tasks if task.is_per_pixel]
        seed = int(torch.randint(2**62, (), generator=generator))
        with seeded(seed):  # transforms draw from the global generator
            if not self.per_image:
                return self._changed(images, targets, per_pixel)
            parts = [
                self._changed(images[row : row + 1], {name: targets[name][row : row + 1] for name in per_pixel}, per_pixel)
                for row in range(len(images))
            ]
        masks = {name: torch.cat([moved[name] for _, moved in parts]) for name in per_pixel}
        return torch.cat([image for image, _ in parts]), {**targets, **masks}

    def _changed(self, images: Tensor, targets: Targets, per_pixel: Sequence[str]) -> Batch:
        masks = {
            name: tv_tensors.Mask(torch.where(targets[name] == MISSING_CLASS, 0, targets[name].to(torch.int32) + _UP))
            for name in per_pixel
        }
        changed, moved = self.transform(tv_tensors.Image(images), masks)
        if changed.shape != images.shape or changed.dtype != torch.uint8:
            raise ValueError(
                f"an augmentation must keep uint8 images of {tuple(images.shape[1:])}, but gave {changed.dtype} of "
                f"{tuple(changed.shape[1:])}; leave out what resizes or normalizes, or crop to the same size"
            )
        back = {
            name: torch.where(mask == 0, MISSING_CLASS, mask - _UP).to(targets[name].dtype).as_subclass(Tensor)
            for name, mask in moved.items()
        }
        return changed.as_subclass(Tensor), {**targets, **back}
