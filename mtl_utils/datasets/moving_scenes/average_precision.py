"""Average precision of a detection's outputs, by torchmetrics. Imported only when it is needed, for it is slow to load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.detection import MeanAveragePrecision

from mtl_utils.datasets.moving_scenes.boxes import Detections, decode

if TYPE_CHECKING:
    from mtl_utils.datasets.moving_scenes.tasks import Detection

THRESHOLD = 0.05  # peaks below are not looked at; precision is measured at every threshold above
MOST = 100  # true objects in a frame


class AveragePrecision(Metric):
    """Mean over the classes of the area under the curve of precision over recall (COCO's, from 101 points).

    Args:
        task: what the outputs and targets are.
        by_class: whether a box must have the right class; else all boxes count as one class.
        overlaps: boxes count as found from this intersection over union on; the mean over several of them.
    """

    full_state_update = False
    higher_is_better = True
    is_differentiable = False

    def __init__(self, task: Detection, *, by_class: bool = True, overlaps: tuple[float, ...] = (0.5,)) -> None:
        super().__init__()
        self.task, self.by_class = task, by_class
        self.precision = MeanAveragePrecision(box_format="xyxy", iou_thresholds=list(overlaps))

    def update(self, output: Tensor, target: Tensor) -> None:
        """Outputs and targets `[N, C + 4, gh, gw]` of labelled images."""
        true = self.task.split(target)
        found = self.task.boxes(output, threshold=THRESHOLD)
        there = decode(true.heat, true.size, true.offset, stride=self.task.stride or 1, threshold=1.0, most=MOST)
        self.precision.update([self._named(each, scored=True) for each in found], [self._named(each) for each in there])

    def compute(self) -> Tensor:
        """The average precision, 0 to 1."""
        value: Tensor = self.precision.compute()["map"]
        return value.clamp(min=0)  # torchmetrics says −1 where there is no object at all

    def reset(self) -> None:
        super().reset()
        self.precision.reset()

    def _named(self, boxes: Detections, *, scored: bool = False) -> dict[str, Tensor]:
        labels = boxes.classes if self.by_class else torch.zeros_like(boxes.classes)
        return {"boxes": boxes.boxes, "labels": labels, **({"scores": boxes.scores} if scored else {})}
