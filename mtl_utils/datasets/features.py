"""Features in the place of images: what a frozen encoder gives, computed once and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.datasets.pixels import Normalization
from mtl_utils.tasks import Batch, Targets, Task, check_tasks

_AS_THEY_ARE = Normalization((0.0,), (1.0,))


class Features(MultiTaskDataset):
    """A split whose batches hold features instead of images, so that training heads takes seconds.

    Args:
        features: `float32` `[N, …]`, finite.
        targets, tasks: as for every split.
        image_size: height and width of the images that the features were computed from.

    Example:
        >>> from mtl_utils.tasks import classification
        >>> Features(torch.zeros(6, 84), {'digit': torch.arange(6)}, [classification('digit', 10)], (28, 28))
        Features(6 of 84, tasks: digit)
    """

    def __init__(
        self, features: Tensor, targets: Mapping[str, Tensor], tasks: Sequence[Task], image_size: tuple[int, int]
    ) -> None:
        if not features.is_floating_point() or features.dim() < 2 or len(features) == 0:
            raise ValueError(
                f"features must be real values [N, …], at least one row, not {features.dtype} {tuple(features.shape)}"
            )
        if not torch.isfinite(features).all():
            raise ValueError("features hold values that are not finite (NaN or infinite)")
        self.tasks = check_tasks(tasks)
        for task in self.tasks:
            task.check_targets(targets[task.name], count=len(features), image_size=image_size)
        self.images, self.image_size = features, image_size
        self.targets: Targets = {task.name: targets[task.name] for task in self.tasks}
        self.normalization, self.augment = _AS_THEY_ARE, None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Length of a feature (or channels of a map), and the size of the images that it was computed from."""
        return (self.images.shape[1], *self.image_size)

    def __repr__(self) -> str:
        shape = "×".join(str(size) for size in self.images.shape[1:])
        return f"Features({len(self):,} of {shape}, tasks: {', '.join(self.targets)})"

    def batch(self, indices: Tensor | slice, device: torch.device | str = "cpu") -> Batch:
        """The features with these indices, and their targets."""
        features, targets = self._stored(indices)
        copy = isinstance(indices, slice)
        return features.to(device=device, copy=copy), self._typed(targets, device, copy=copy)

    def _keep(self) -> None:
        """Nothing: they are kept as they are."""

    def _like(self, **changes: Any) -> MultiTaskDataset:
        same = {"features": self.images, "targets": self.targets, "tasks": self.tasks, "image_size": self.image_size}
        if "images" in changes:
            changes["features"] = changes.pop("images")
        if changes.pop("augment", None) is not None:
            raise ValueError("features are computed once, so images cannot be augmented any more")
        changes.pop("normalization", None)
        return Features(**{**same, **changes})
