"""Boxes of any images to the targets of `Detection`, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mtl_utils.datasets.moving_scenes.boxes import decode
from mtl_utils.datasets.moving_scenes.peaks import add_peak, empty_maps
from mtl_utils.datasets.moving_scenes.tasks import Detection


class Boxes(NamedTuple):
    """The M labelled objects in one image.

    Attributes:
        corners: `float32` `[M, 4]`, x0, y0, x1, y1 in pixels, as edges: a box of the whole image is 0, 0, width, height.
        classes: `int64` `[M]`.
    """

    corners: Tensor
    classes: Tensor

    def pick(self, which: Tensor) -> Boxes:
        """Some of them: a boolean mask `[M]`, or numbers in the order that is wanted."""
        return Boxes(self.corners[which], self.classes[which])


def box_targets(task: Detection, images: Sequence[Boxes | None], image_size: tuple[int, int]) -> Tensor:
    """Targets of a detection from the boxes of some images: `float32` `[N, C + 4, gh, gw]`.

    The grid has `image_size / stride` cells, rounded up: images whose sides the stride does not divide are fine, and their last
    cells reach beyond the image. Where the centers of two objects share a cell, size and offset are those of the smaller one,
    since the larger one is more often behind; `in_shared_cells` counts what is lost.

    Args:
        task: gives the classes and the stride.
        images: for each image its boxes; `None` for an image without labels (`NaN` everywhere).
        image_size: height and width of the images.

    Raises:
        ValueError: if boxes have no extent, do not lie inside their image, or have a class that the task does not know.

    Example:
        >>> from mtl_utils.datasets.moving_scenes import detection
        >>> task = detection("objects", ["cat", "dog"])
        >>> boxes = Boxes(torch.tensor([[2.0, 4.0, 12.0, 20.0]]), torch.tensor([1]))
        >>> targets = box_targets(task, [boxes], (30, 30))  # 30 pixels in cells of 4: 8 cells
        >>> targets.shape
        torch.Size([1, 6, 8, 8])
        >>> boxes_in_targets(task, targets)[0].corners.tolist()
        [[2.0, 4.0, 12.0, 20.0]]
    """
    stride = task.stride or 1
    maps = empty_maps(len(images), len(task.classes), task.grid(image_size))
    for number, boxes in enumerate(images):
        if boxes is None:
            maps[number] = float("nan")
            continue
        _check(task, boxes, image_size, number)
        corners = boxes.corners.float() / stride
        center, size = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
        cells = _cells(center, maps.shape)
        for place in size.prod(1).argsort(descending=True, stable=True).tolist():  # the smallest last
            add_peak(maps[number], int(boxes.classes[place]), cells[place], center[place], size[place])
    return maps


def boxes_in_targets(task: Detection, targets: Tensor) -> list[Boxes | None]:
    """The boxes that targets `[N, C + 4, gh, gw]` stand for: what `box_targets` was given, but for objects in shared cells.

    Example:
        >>> from mtl_utils import datasets
        >>> task = datasets.detection('objects', ['cat', 'dog'])
        >>> boxes = Boxes(torch.tensor([[4.0, 4.0, 12.0, 20.0]]), classes=torch.tensor([1]))
        >>> found = boxes_in_targets(task, box_targets(task, [boxes], (32, 32)))[0]
        >>> found.corners.tolist(), found.classes.tolist()
        ([[4.0, 4.0, 12.0, 20.0]], [1])
    """
    labelled = task.labelled(targets)
    maps = task.split(targets[labelled])
    cells = maps.heat[0, 0].numel() * len(task.classes) if len(maps.heat) else 1
    found = decode(maps.heat, maps.size, maps.offset, stride=task.stride or 1, threshold=1.0, most=cells)
    boxes = iter([Boxes(each.boxes, each.classes) for each in found])
    return [next(boxes) if there else None for there in labelled.tolist()]


def in_shared_cells(task: Detection, boxes: Boxes) -> int:
    """How many boxes of an image have their center in a cell that keeps another box."""
    center = (boxes.corners[:, :2] + boxes.corners[:, 2:]) / 2 / (task.stride or 1)
    return len(center) - len(torch.unique(center.long(), dim=0))


def _cells(center: Tensor, shape: torch.Size) -> Tensor:
    """Row and column of the cells that hold the centers; rounding must not carry one over the edge."""
    return center.flip(1).long().minimum(torch.tensor([shape[-2] - 1, shape[-1] - 1]))


def _check(task: Detection, boxes: Boxes, image_size: tuple[int, int], number: int) -> None:
    where = f"task '{task.name}', image {number}"
    corners, classes = boxes
    if corners.dim() != 2 or corners.shape[1] != 4 or classes.shape != corners.shape[:1]:
        raise ValueError(
            f"{where}: boxes are [M, 4] (x0, y0, x1, y1) with classes [M], not {tuple(corners.shape)} with "
            f"{tuple(classes.shape)}"
        )
    if not len(corners):
        return
    bad = ~((corners[:, 2:] > corners[:, :2]).all(1))
    if bad.any():
        raise ValueError(f"{where}: the box {corners[bad][0].tolist()} has no extent; x0, y0, x1, y1 are wanted")
    limit = torch.tensor([image_size[1], image_size[0]] * 2)
    outside = ((corners < 0) | (corners > limit + 1e-3)).any(1)
    if outside.any():
        raise ValueError(
            f"{where}: the box {corners[outside][0].tolist()} is not inside of an image of {image_size[0]}×{image_size[1]} "
            "pixels; cut boxes at the image's edge first"
        )
    if classes.min() < 0 or classes.max() >= len(task.classes):
        raise ValueError(f"{where}: class {int(classes.max())} is not among {len(task.classes)} ({', '.join(task.classes)})")
