"""The four tasks on pairs of frames: detection, segmentation, depth and tracking.

Detection is a kind of task of its own: neither one answer per image nor one per pixel, but objects on a grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mtl_utils._checks import check_positive
from mtl_utils.datasets.moving_scenes.boxes import Detections, decode
from mtl_utils.tasks import Task, grid_regression, pixel_classification, pixel_regression

if TYPE_CHECKING:
    from torchmetrics import Metric

STRIDE = 4
NAMES = ("detection", "segmentation", "depth", "tracking")
_RARE = -2.19  # the logit of 0.1: nearly all cells are empty, so a new head says "probably nothing" (Lin et al., ICCV 2017)


class Maps(NamedTuple):
    """The parts of a detection's output or target.

    Attributes:
        heat: `[N, C, gh, gw]`: how likely the center of an object of each class lies here. Logits in an output, 0 to 1 in a
            target.
        size: `[N, 2, gh, gw]`: width and height of the visible box, in cells.
        offset: `[N, 2, gh, gw]`: x and y of the box's center within its cell, 0 to 1.
    """

    heat: Tensor
    size: Tensor
    offset: Tensor


@dataclass(frozen=True)
class Detection(Task):
    """Objects as peaks of heat maps, one map per class. Make one with `detection`.

    Outputs and targets are `[N, C + 4, gh, gw]`: C heat maps, then size and offset of the box (see `Maps`). In a target, heat
    is 1 at the cell of a center and falls off around it like a Gaussian; size and offset are `NaN` away from the centers. The
    targets of an image without labels are `NaN` everywhere.

    Loss: the focal loss of CornerNet (Law & Deng, ECCV 2018; α = 2, β = 4) over the number of objects, plus the L1 losses of
    offset and, times `size_weight`, of size (Zhou et al., "Objects as points", 2019).

    Attributes:
        classes: names of the C classes.
        size_weight: 0.1, as in that paper, whose sizes are in cells of four pixels, too.
    """

    classes: tuple[str, ...] = ()
    size_weight: float = 0.1

    @property
    def initial_output(self) -> tuple[float, ...]:
        return (*[_RARE] * len(self.classes), 4.0, 4.0, 0.5, 0.5)

    def split(self, maps: Tensor) -> Maps:
        """Heat, size and offset of an output or a target."""
        return Maps(*torch.split(maps, [len(self.classes), 2, 2], dim=1))

    def labelled(self, target: Tensor) -> Tensor:
        """Which images have labels, `[N]`. A labelled image may be empty: that nothing is there is a label, too."""
        return ~torch.isnan(target[:, 0]).flatten(1).any(1)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        self._check_output(output, target)
        present = self.labelled(target)
        if not present.any():
            return output.new_tensor(float("nan"))
        said, true = self.split(output[present]), self.split(target[present])
        center = ~torch.isnan(true.size[:, :1])
        objects = center.sum().clamp(min=1)
        there = center.expand_as(true.size)
        size = F.l1_loss(said.size[there], true.size[there], reduction="sum") / objects
        offset = F.l1_loss(said.offset[there], true.offset[there], reduction="sum") / objects
        return focal_loss(said.heat, true.heat) / objects + self.size_weight * size + offset

    def boxes(
        self,
        output: Tensor,
        *,
        threshold: float = 0.3,
        most: int = 20,
        exclusive: bool = False,
        image_size: tuple[int, int] | None = None,
    ) -> list[Detections]:
        """The boxes that a network's output `[N, C + 4, gh, gw]` stands for, in pixels; arguments as for `decode`."""
        said = self.split(output)
        return decode(
            torch.sigmoid(said.heat), said.size, said.offset, stride=self.stride or 1, threshold=threshold, most=most,
            exclusive=exclusive, image_size=image_size,
        )  # fmt: skip

    def metric(self) -> Metric:
        # Imported here because torchmetrics costs two seconds, and only evaluation needs it.
        from mtl_utils.datasets.moving_scenes.average_precision import AveragePrecision

        return AveragePrecision(self)

    def update_metric(self, metric: Metric, output: Tensor, target: Tensor) -> None:
        present = self.labelled(target)
        if present.any():
            metric.update(output[present], target[present])


def detection(name: str, classes: Sequence[str], *, stride: int = STRIDE) -> Detection:
    """Objects of some classes, found as peaks on a grid; measured by the average precision at an overlap of one half (AP50).

    Args:
        name: the task's name.
        classes: names of the classes.
        stride: height and width of a cell, in pixels.

    Example:
        >>> detection('objects', ['cat', 'dog']).target_shape(8, (32, 48))  # 2 heat maps, 2 for the size, 2 for the offset
        (8, 6, 8, 12)
    """
    if isinstance(classes, str) or not classes:
        raise ValueError(f"task '{name}': detection needs the names of its classes, not {classes!r}")
    check_positive(f"task '{name}': the stride", stride)
    return Detection(
        name, "detection", len(classes) + 4, loss_name="focal + L1", metric_name="AP50",
        is_classification=False, stride=stride, classes=tuple(classes),
    )  # fmt: skip


def focal_loss(logits: Tensor, heat: Tensor, *, alpha: float = 2.0, beta: float = 4.0) -> Tensor:
    """CornerNet's focal loss, summed over all cells.

    With p = sigmoid(logit): −(1 − p)^α·log p where heat is 1, and −(1 − heat)^β·p^α·log(1 − p) elsewhere. Cells that are easy
    count little (α), and so do cells next to a center (β).

    Args:
        logits, heat: of one shape; heat from 0 to 1.
        alpha, beta: the two exponents.
    """
    p = torch.sigmoid(logits)
    at_center = (1 - p).pow(alpha) * F.logsigmoid(logits)
    elsewhere = (1 - heat).pow(beta) * p.pow(alpha) * F.logsigmoid(-logits)
    return -torch.where(heat == 1, at_center, elsewhere).sum()


def scene_tasks(class_names: Sequence[str]) -> tuple[Task, ...]:
    """The four tasks: detection, segmentation, depth and tracking (displacement in pixels at the cells of centers)."""
    return (
        detection("detection", class_names),
        pixel_classification("segmentation", ("background", *class_names)),
        pixel_regression("depth"),
        grid_regression("tracking", 2, stride=STRIDE),
    )
