"""Augmentation by torchvision's transforms, which move masks, values, boxes and points along with their pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2

from mtl_utils.datasets.folders.moving import Movable, PointOrder
from mtl_utils.datasets.moving_scenes.tasks import Detection
from mtl_utils.randomness import seeded
from mtl_utils.tasks import Batch, Targets, Task


def _all_of(transform: Any) -> Iterator[Any]:
    """A transform and those in it."""
    yield transform
    for each in getattr(transform, "transforms", ()):
        yield from _all_of(each)


class Augmentation:
    """Changes each training image by chance, and its masks, values, boxes and points in the same way.

    Give it to a training split: `splits.with_train(splits.train.with_augmentation(Augmentation(v2.RandomHorizontalFlip())))`.
    Validation and test images stay as they are.

    What a turn or a shift uncovers has no label. Values (such as depth) move, but stay what they are: a picture that is
    enlarged is not taken for a nearer one. Boxes are cut at the edge of the image; a turned box is the upright one around it.
    A point that leaves the image is missing.

    Args:
        transform: from `torchvision.transforms.v2`; takes `uint8` images and must keep their size.
        per_image: draw anew for each image; otherwise once for the whole batch, which is faster.
        points: regressions that are points in pixels, and the order of their coordinates: `{"position": "yx"}` for row and
            column, `"xy"` for the other way round. Several points stand one after another. Other regressions stay as they are.
        seen: a box is kept if at least this share of it is left in the image.

    Attributes:
        boxes: how many boxes came so far.
        dropped: how many of them were dropped, since too little of them was left in the image.

    Example:
        >>> from torchvision.transforms import v2
        >>> flip = Augmentation(v2.RandomHorizontalFlip(p=1))
        >>> row = torch.tensor([[[[1, 2, 3]]]], dtype=torch.uint8)
        >>> flip(row, {}, [], torch.Generator())[0].flatten().tolist()
        [3, 2, 1]
    """

    def __init__(
        self,
        transform: Callable[..., Any],
        *,
        per_image: bool = True,
        points: Mapping[str, PointOrder] | None = None,
        seen: float = 0.25,
    ) -> None:
        if not callable(transform):
            raise ValueError(f"an augmentation takes a transform, such as v2.RandomHorizontalFlip(), not {transform!r}")
        if not 0 < seen <= 1:
            raise ValueError(f"seen= is a share above 0, at most 1, not {seen!r}")
        self.transform, self.per_image, self.points, self.seen = transform, per_image, dict(points or {}), seen
        self.boxes = self.dropped = 0
        for name, order in self.points.items():
            if order not in ("xy", "yx"):
                raise ValueError(f"points=: the order of '{name}' must be 'xy' or 'yx', not {order!r}")
        if self.points and any(isinstance(each, v2.RandomIoUCrop) for each in _all_of(transform)):
            raise ValueError("RandomIoUCrop moves no points: take RandomResizedCrop")

    def __repr__(self) -> str:
        lost = f", {self.dropped:,} of {self.boxes:,} boxes dropped so far" if self.boxes else ""
        return f"Augmentation({self.transform!r}, per_image={self.per_image}{lost})"

    def __call__(self, images: Tensor, targets: Targets, tasks: Sequence[Task], generator: torch.Generator) -> Batch:
        """Images `uint8` `[n, C, H, W]` and targets, changed.

        Raises:
            ValueError: if a task has answers that this cannot move, or the size changes.
        """
        self._check(tasks)
        moving = [task.name for task in tasks if task.stride is not None or task.name in self.points]
        seed = int(torch.randint(2**62, (), generator=generator))
        with seeded(seed):  # transforms draw from the global generator
            if not self.per_image:
                image, moved = self._changed(images, targets, tasks)
                return image, {**targets, **moved}
            parts = [
                self._changed(images[row : row + 1], {name: targets[name][row : row + 1] for name in moving}, tasks)
                for row in range(len(images))
            ]
        joined = {name: torch.cat([moved[name] for _, moved in parts]) for name in moving}
        return torch.cat([image for image, _ in parts]), {**targets, **joined}

    def _changed(self, images: Tensor, targets: Targets, tasks: Sequence[Task]) -> Batch:
        movable = Movable(images, targets, tasks, self.points)
        changed = self.transform(movable.sample)
        image = changed["image"]
        if image.shape != images.shape or image.dtype != torch.uint8:
            raise ValueError(
                f"an augmentation must keep uint8 images of {tuple(images.shape[1:])}, but gave {image.dtype} of "
                f"{tuple(image.shape[1:])}; leave out what resizes or normalizes, or crop to the same size"
            )
        moved, boxes, dropped = movable.back(changed, self.seen)
        self.boxes, self.dropped = self.boxes + boxes, self.dropped + dropped
        return image.as_subclass(Tensor), moved

    def _check(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            if task.name in self.points:
                if task.stride is not None or task.is_classification or task.output_size % 2:
                    raise ValueError(f"task '{task.name}' is no point: a regression with two values for each point is needed")
            elif task.is_per_pixel and not task.is_classification and task.output_size > 1:
                raise ValueError(
                    f"task '{task.name}': an augmentation cannot move several values per pixel: they may be a direction, which "
                    "would have to turn along"
                )
            elif task.stride is not None and not task.is_per_pixel and not isinstance(task, Detection):
                raise ValueError(f"task '{task.name}': an augmentation cannot move the targets of a {task.kind} task")
