"""Labels that lie somewhere in a picture, as torchvision's transforms move them, and back: masks, values, boxes and points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torchvision import tv_tensors

from mtl_utils.datasets.moving_scenes.box_targets import Boxes, box_targets, boxes_in_targets
from mtl_utils.datasets.moving_scenes.tasks import Detection
from mtl_utils.datasets.moving_scenes.visible import visible
from mtl_utils.tasks import MISSING_CLASS, Targets, Task

PointOrder = Literal["xy", "yx"]
# Class numbers are moved up by this, so that what a turned mask uncovers (0) is no class.
_UP = 1


class Movable:
    """The targets of some images that lie somewhere in them. `sample` is what a transform takes, `back` reads what it gave.

    Boxes and points travel as one `BoundingBoxes` that nothing cuts (a point is a box without an extent), so that what leaves
    the image can be told from what stays.

    Args:
        images: `uint8` `[n, C, H, W]`, all changed alike.
        targets, tasks: their targets; those with one answer per image stay as they are.
        points: for regressions that are points, the order of their coordinates.
    """

    def __init__(self, images: Tensor, targets: Targets, tasks: Sequence[Task], points: Mapping[str, PointOrder]) -> None:
        self.targets, self.size = targets, (images.shape[2], images.shape[3])
        self.maps = [task for task in tasks if task.is_per_pixel]
        self.detections = [task for task in tasks if isinstance(task, Detection)]
        self.points = [(task, points[task.name]) for task in tasks if task.name in points]
        self.sample: dict[str, Any] = {"image": tv_tensors.Image(images), "masks": self._masks()}
        # One row for each box or point: which task, which image, and (for boxes) which class.
        self._rows: list[tuple[str, int, int]] = []
        if self.detections or self.points:
            corners = self._corners()
            self.sample["boxes"] = tv_tensors.BoundingBoxes(corners, format="XYXY", canvas_size=self.size, clamping_mode=None)
            self.sample["labels"] = torch.arange(len(corners))

    def back(self, changed: Mapping[str, Any], seen: float) -> tuple[Targets, int, int]:
        """The targets as they were moved; how many boxes there were; how many of them have left the image."""
        masks = {task.name: self._map_back(task, changed["masks"]) for task in self.maps}
        if "boxes" not in changed:
            return masks, 0, 0
        corners = changed["boxes"].as_subclass(Tensor)
        if len(corners) != len(self._rows):
            raise ValueError(
                "the transform removed boxes, so that nobody knows which are left: leave SanitizeBoundingBoxes out; the "
                "augmentation itself drops boxes that leave the image"
            )
        limit = torch.tensor([self.size[1], self.size[0]] * 2, dtype=corners.dtype)
        cut = corners.clamp(min=0).minimum(limit)
        stays = visible(corners, cut, seen)
        moved = dict(masks)
        boxes = dropped = 0
        for task in self.detections:
            of_task = torch.tensor([name == task.name for name, _, _ in self._rows], dtype=torch.bool)
            boxes, dropped = boxes + int(of_task.sum()), dropped + int((of_task & ~stays).sum())
            moved[task.name] = self._detections_back(task, cut, of_task & stays)
        for point, order in self.points:
            moved[point.name] = self._points_back(point, order, corners)
        return moved, boxes, dropped

    def _masks(self) -> dict[str, tv_tensors.Mask]:
        masks = {}
        for task in self.maps:
            target = self.targets[task.name]
            present = task.labelled(target)
            if task.is_classification:
                masks[task.name] = tv_tensors.Mask(torch.where(present, target.to(torch.int32) + _UP, 0))
            else:  # values, and where they are
                masks[task.name] = tv_tensors.Mask(torch.where(present, target, 0))
                masks[f"{task.name}.there"] = tv_tensors.Mask(present.to(torch.uint8))
        return masks

    def _map_back(self, task: Task, masks: Mapping[str, Tensor]) -> Tensor:
        target, found = self.targets[task.name], masks[task.name].as_subclass(Tensor)
        there = found if task.is_classification else masks[f"{task.name}.there"].as_subclass(Tensor)
        most = task.output_size if task.is_classification else 1
        if found.shape != target.shape or bool((there > most).any()):
            raise ValueError(
                f"task '{task.name}': the transform gave masks of shape {tuple(found.shape)} with values up to "
                f"{int(there.max())}; what it fills in must be 0 in masks (fill={{tv_tensors.Image: 128, 'others': 0}}), and "
                "no mask may be removed"
            )
        if task.is_classification:
            return torch.where(found == 0, MISSING_CLASS, found - _UP).to(target.dtype)
        return torch.where(there == 1, found, float("nan"))

    def _corners(self) -> Tensor:
        corners = [torch.zeros(0, 4)]
        for task in self.detections:
            for image, boxes in enumerate(boxes_in_targets(task, self.targets[task.name])):
                if boxes is not None:
                    corners.append(boxes.corners)
                    self._rows += [(task.name, image, cls) for cls in boxes.classes.tolist()]
        for point, order in self.points:
            target = self.targets[point.name]
            places = target.float().view(len(target), -1, 2)
            corners.append((places if order == "xy" else places.flip(2)).nan_to_num(0).repeat(1, 1, 2).view(-1, 4))
            self._rows += [(point.name, image, -1) for image in range(len(target)) for _ in range(places.shape[1])]
        return torch.cat(corners)

    def _detections_back(self, task: Detection, cut: Tensor, chosen: Tensor) -> Tensor:
        target = self.targets[task.name]
        images: list[list[int]] = [[] for _ in range(len(target))]
        for row in chosen.nonzero().flatten().tolist():
            images[self._rows[row][1]].append(row)
        classes = torch.tensor([cls for _, _, cls in self._rows], dtype=torch.int64)
        labelled = task.labelled(target).tolist()
        boxes = [Boxes(cut[rows], classes[rows]) if there else None for rows, there in zip(images, labelled, strict=True)]
        return box_targets(task, boxes, self.size)

    def _points_back(self, task: Task, order: PointOrder, corners: Tensor) -> Tensor:
        target = self.targets[task.name]
        rows = [row for row, (name, _, _) in enumerate(self._rows) if name == task.name]
        places = corners[rows][:, :2]
        limit = torch.tensor([self.size[1], self.size[0]], dtype=places.dtype)
        places = torch.where(((places >= 0) & (places <= limit)).all(1, keepdim=True), places, float("nan"))
        moved = (places if order == "xy" else places.flip(1)).reshape(target.shape).to(target.dtype)
        return torch.where(torch.isnan(target), float("nan"), moved)
