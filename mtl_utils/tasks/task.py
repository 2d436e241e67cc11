"""What a task is: a name, what the network must put out for it, a loss and a metric.

A *task* turns an output and a target into one loss. A *sub-task* is nothing else than a task that shares its
images with others: "which digit is on the left" and "which is on the right" are two sub-tasks of reading one image.

A missing label is part of the ordinary case. It is ``-100`` for class targets (PyTorch's own ``ignore_index``) and
``NaN`` for real-valued ones, and it reaches neither the loss nor the metric.

A task says everything about itself: where its answers lie (`stride`), which targets fit it, where a label is missing, its
loss and its metric. A kind of task with an output of its own is a subclass of `Task` in a file of its own, such as
`datasets.moving_scenes.tasks.Detection`; no other room has to change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from mtl_utils._checks import check_positive
from mtl_utils.tasks.known import LOSSES, METRICS

if TYPE_CHECKING:
    from torchmetrics import Metric

MISSING_CLASS = -100
Targets = dict[str, Tensor]  # for each task its targets
Batch = tuple[Tensor, Targets]  # images and targets
# `(output of labelled places, their targets) -> a scalar`, or the name of one.
Loss = str | Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Task:
    """One task. Make one with `classification`, `regression`, `pixel_classification`, `pixel_regression` or `grid_regression`.

    Attributes:
        name: How the task is called in targets, outputs, histories and plots.
        kind: What sort of task it is, in words.
        output_size: Number of classes (classification) or of values (regression) that a head puts out.
        class_names: One name per class, for plots; empty for regression.
        loss_name: The loss as papers name it; `custom` for a function of one's own.
        metric_name: The metric as papers name it.
        higher_is_better: Whether a larger metric is a better one.
        metric_is_share: Whether the metric is a share, from 0 to 1, best read in percent and comparable between tasks.
        is_classification: Whether targets are class numbers; else they are real values.
        stride: Where the answers lie: `None` for one answer per image, 1 for one per pixel, 4 for one in each field of 4×4
            pixels.
    """

    name: str
    kind: str
    output_size: int
    class_names: tuple[str, ...] = ()
    loss_name: str = "cross-entropy"
    metric_name: str = "accuracy"
    higher_is_better: bool = True
    metric_is_share: bool = True
    is_classification: bool = True
    stride: int | None = None
    _loss: Callable[[Tensor, Tensor], Tensor] | None = field(default=None, repr=False, compare=False)
    _metric: Callable[[], Metric] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or "." in self.name:
            raise ValueError(f"a task's name must be a non-empty text without dots, not {self.name!r}")
        if self.name == "training" or hasattr(torch.nn.ModuleDict(), self.name):
            raise ValueError(
                f"a task cannot be called '{self.name}': PyTorch's modules use that name; '{self.name}_task' would do"
            )
        object.__setattr__(self, "output_size", check_positive(f"task '{self.name}': output size", self.output_size))
        if self.is_classification and self.output_size < 2:
            raise ValueError(f"task '{self.name}': classification needs at least 2 classes, not {self.output_size}")
        if type(self) is Task and self._loss is None and self.loss_name not in LOSSES[self.is_classification]:
            known = ", ".join(LOSSES[self.is_classification])
            raise ValueError(f"task '{self.name}': loss must be one of {known}, not {self.loss_name!r}")
        if self.class_names and len(self.class_names) != self.output_size:
            raise ValueError(f"task '{self.name}': {self.output_size} classes but {len(self.class_names)} class names")

    @property
    def is_per_pixel(self) -> bool:
        """Whether the output is a map as large as the image."""
        return self.stride == 1

    @property
    def missing(self) -> float:
        """What stands in the place of a missing label."""
        return MISSING_CLASS if self.is_classification else float("nan")

    @property
    def target_dtype(self) -> torch.dtype:
        """The type in which targets come to the loss."""
        return torch.int64 if self.is_classification else torch.float32

    @property
    def initial_output(self) -> tuple[float, ...]:
        """What a new head should put out before it has learned, one number per output; empty if that does not matter."""
        return ()

    def grid(self, image_size: tuple[int, int]) -> tuple[int, ...]:
        """Height and width of the map of answers for images of this height and width; empty for one answer per image."""
        return () if self.stride is None else tuple(-(-side // self.stride) for side in image_size)

    def target_shape(self, count: int, image_size: tuple[int, int]) -> tuple[int, ...]:
        """The shape of the targets of `count` images."""
        return (count, *(() if self.is_classification else (self.output_size,)), *self.grid(image_size))

    def labelled(self, target: Tensor) -> Tensor:
        """Where a label is present: a boolean tensor, its first dimension that of the target."""
        return target != MISSING_CLASS if self.is_classification else ~torch.isnan(target)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean loss over the labels that are present, a scalar. `NaN` when there is none: ask `labelled` first.

        Args:
            output: `[N, output_size]`, or `[N, output_size, H, W]` for tasks with a map of answers.
            target: class numbers `[N]` or `[N, H, W]`; real values in the shape of `output`.
        """
        self._check_output(output, target)
        if self.is_classification and self._loss is None:
            return F.cross_entropy(output, target, ignore_index=MISSING_CLASS)
        present = self.labelled(target)
        if self.is_classification and target.dim() > 1:
            output = output.movedim(1, -1)
        loss = (self._loss or LOSSES[False][self.loss_name])(output[present], target[present])
        if not isinstance(loss, Tensor) or loss.dim():
            found = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else repr(loss)
            raise ValueError(f"task '{self.name}': its loss must return one number as a tensor, not {found}")
        return loss

    def metric(self) -> Metric:
        """A new torchmetrics metric, empty. Feed it with `update_metric`."""
        if self._metric is not None:
            return self._metric()
        # Imported here because torchmetrics costs two seconds, and only evaluation needs it.
        import torchmetrics.classification
        import torchmetrics.regression

        where, arguments, _, _ = METRICS[self.is_classification][self.metric_name]
        module, name = where.split(".")
        if self.is_classification:
            arguments = {
                "num_classes": self.output_size, "ignore_index": MISSING_CLASS, "validate_args": False, **arguments
            }  # fmt: skip
        made: Metric = getattr(getattr(torchmetrics, module), name)(**arguments)
        return made

    def update_metric(self, metric: Metric, output: Tensor, target: Tensor) -> None:
        """Feed a batch to a metric, without its missing labels."""
        if self.is_classification:
            metric.update(output, target)
        else:
            present = self.labelled(target)
            if present.any():
                metric.update(output[present], target[present])

    def check_targets(self, target: Tensor, *, count: int, image_size: tuple[int, int], whole_split: bool = True) -> None:
        """Raise a `ValueError` in words if a tensor of targets does not fit this task.

        Args:
            target: all targets of a split, or of a batch.
            count: number of images N.
            image_size: height and width of the images.
            whole_split: whether these are all targets there are, so that at least one label must be present.
        """
        where = f"task '{self.name}' ({self.kind})"
        if not isinstance(target, Tensor):
            raise ValueError(f"{where}: targets must be a torch.Tensor, not {type(target).__name__}")
        expected = self.target_shape(count, image_size)
        if tuple(target.shape) != expected:
            raise ValueError(f"{where}: targets must have shape {expected}, not {tuple(target.shape)}")
        if self.is_classification:
            self._check_classes(target, where)
        else:
            if not target.is_floating_point():
                raise ValueError(f"{where}: targets must be floating point numbers, not {target.dtype}")
            if torch.isinf(target).any():
                raise ValueError(f"{where}: a target is infinite; NaN marks a missing label")
            if torch.isinf(target.to(self.target_dtype)).any():
                raise ValueError(f"{where}: a target is too large for {self.target_dtype}; choose a larger unit")
        if whole_split and count and not self.labelled(target).any():
            raise ValueError(f"{where}: every label is missing; leave the task out, or label at least one image")

    def _check_classes(self, target: Tensor, where: str) -> None:
        if target.is_floating_point() or target.dtype in (torch.bool, torch.uint8):
            raise ValueError(
                f"{where}: class targets must be signed whole numbers (such as torch.int64), not {target.dtype}; "
                f"{MISSING_CLASS} marks a missing label"
            )
        outside = (target != MISSING_CLASS) & ((target < 0) | (target >= self.output_size))
        if outside.any():
            raise ValueError(
                f"{where}: class label {int(target[outside][0])} is out of range: expected 0 to "
                f"{self.output_size - 1}, or {MISSING_CLASS} for a missing label"
            )

    def _check_output(self, output: Tensor, target: Tensor) -> None:
        size = (target.shape[0], self.output_size, *target.shape[1:])
        expected = size if self.is_classification else tuple(target.shape)
        if tuple(output.shape) != expected:
            raise ValueError(
                f"task '{self.name}' ({self.kind}): for targets of shape {tuple(target.shape)} the output must have "
                f"shape {expected}, not {tuple(output.shape)}"
            )
