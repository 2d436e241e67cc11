"""What a task is: a name, what the network must put out for it, a loss and a metric.

A *task* turns an output and a target into one loss. A *sub-task* is nothing else than a task that shares its
images with others: "which digit is on the left" and "which is on the right" are two sub-tasks of reading one image.

A missing label is part of the ordinary case. It is ``-100`` for class targets (PyTorch's own ``ignore_index``) and
``NaN`` for real-valued ones, and it reaches neither the loss nor the metric.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from torchmetrics import Metric

MISSING_CLASS = -100
Kind = Literal["classification", "regression", "pixel classification", "pixel regression"]
_REGRESSION_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": F.mse_loss,
    "l1": F.l1_loss,
    "smooth l1": F.smooth_l1_loss,
}


@dataclass(frozen=True)
class Task:
    """One task. Make one with `classification`, `regression`, `pixel_classification` or `pixel_regression`.

    Attributes:
        name: How the task is called in targets, outputs, histories and plots.
        kind: What sort of target it has; decides the shapes (see `check_targets`).
        output_size: Number of classes (classification) or of values (regression) that a head puts out.
        class_names: One name per class, for plots; empty for regression.
        loss_name: The loss as papers name it.
        metric_name: The metric as papers name it.
        higher_is_better: Whether a larger metric is a better one.
    """

    name: str
    kind: Kind
    output_size: int
    class_names: tuple[str, ...] = ()
    loss_name: str = "cross-entropy"
    metric_name: str = "accuracy"
    higher_is_better: bool = True
    _loss: Callable[[Tensor, Tensor], Tensor] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or "." in self.name:
            raise ValueError(f"a task's name must be a non-empty text without dots, not {self.name!r}")
        if self.name == "training" or hasattr(torch.nn.ModuleDict, self.name):
            raise ValueError(
                f"a task cannot be called '{self.name}': PyTorch's modules use that name; '{self.name}_task' would do"
            )
        if not isinstance(self.output_size, int) or self.output_size < 1:
            raise ValueError(f"task '{self.name}': output size must be a positive whole number, not {self.output_size!r}")
        if self.kind not in get_args(Kind):
            raise ValueError(f"task '{self.name}': the kind must be one of {', '.join(get_args(Kind))}, not {self.kind!r}")
        if self._loss is not None and not callable(self._loss):
            raise ValueError(f"task '{self.name}': loss must be a function of output and target, not {self._loss!r}")
        if self._loss is None and not self.is_classification:
            _regression_loss(self.name, self.loss_name)
        if self.is_classification and self.output_size < 2:
            raise ValueError(f"task '{self.name}': classification needs at least 2 classes, not {self.output_size}")
        if self.class_names and len(self.class_names) != self.output_size:
            raise ValueError(f"task '{self.name}': {self.output_size} classes but {len(self.class_names)} class names")

    @property
    def is_classification(self) -> bool:
        """Whether targets are class numbers (of images or of pixels)."""
        return self.kind in ("classification", "pixel classification")

    @property
    def is_per_pixel(self) -> bool:
        """Whether the output is a map as large as the image."""
        return self.kind in ("pixel classification", "pixel regression")

    def labelled(self, target: Tensor) -> Tensor:
        """Where a label is present: a boolean tensor of the target's shape."""
        return target != MISSING_CLASS if self.is_classification else ~torch.isnan(target)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean loss over the labels that are present, a scalar. `NaN` when there is none: ask `labelled` first.

        Args:
            output: `[N, output_size]`, or `[N, output_size, H, W]` for tasks per pixel.
            target: class numbers `[N]` or `[N, H, W]`; real values in the shape of `output`.
        """
        self._check_output(output, target)
        if self.is_classification and self._loss is None:
            return F.cross_entropy(output, target, ignore_index=MISSING_CLASS)
        present = self.labelled(target)
        if self._loss is None:
            return _REGRESSION_LOSSES[self.loss_name](output[present], target[present])
        loss = self._loss(output[present], target[present])
        if not isinstance(loss, Tensor) or loss.dim():
            found = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else repr(loss)
            raise ValueError(f"task '{self.name}': its loss must return one number as a tensor, not {found}")
        return loss

    def metric(self) -> Metric:
        """A new torchmetrics metric, empty. Feed it with `update_metric`."""
        # Imported here because torchmetrics costs two seconds, and only evaluation needs it.
        from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex
        from torchmetrics.regression import MeanAbsoluteError

        if self.kind == "classification":
            return MulticlassAccuracy(self.output_size, average="micro", ignore_index=MISSING_CLASS, validate_args=False)
        if self.kind == "pixel classification":
            return MulticlassJaccardIndex(self.output_size, ignore_index=MISSING_CLASS, validate_args=False)
        return MeanAbsoluteError()

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
        expected = {
            "classification": (count,),
            "pixel classification": (count, *image_size),
            "regression": (count, self.output_size),
            "pixel regression": (count, self.output_size, *image_size),
        }[self.kind]
        if tuple(target.shape) != expected:
            raise ValueError(f"{where}: targets must have shape {expected}, not {tuple(target.shape)}")
        if self.is_classification:
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
        else:
            if not target.is_floating_point():
                raise ValueError(f"{where}: targets must be floating point numbers, not {target.dtype}")
            if torch.isinf(target).any():
                raise ValueError(f"{where}: a target is infinite; NaN marks a missing label")
        if whole_split and count and not self.labelled(target).any():
            raise ValueError(f"{where}: every label is missing; leave the task out, or label at least one image")

    def _check_output(self, output: Tensor, target: Tensor) -> None:
        size = (target.shape[0], self.output_size, *target.shape[1:])
        expected = size if self.is_classification else tuple(target.shape)
        if tuple(output.shape) != expected:
            raise ValueError(
                f"task '{self.name}' ({self.kind}): for targets of shape {tuple(target.shape)} the output must have "
                f"shape {expected}, not {tuple(output.shape)}"
            )


def classification(name: str, classes: int | Sequence[str], *, loss: Callable[[Tensor, Tensor], Tensor] | None = None) -> Task:
    """A class for each image: cross-entropy, measured by accuracy (0 to 1).

    Args:
        name: The task's name.
        classes: The number of classes, or their names.
        loss: Another loss `(output [N, classes], target [N]) -> scalar`; it sees labelled images only.
    """
    size, names = _classes(classes)
    return Task(name, "classification", size, names, "cross-entropy" if loss is None else "custom", _loss=loss)


def regression(name: str, size: int = 1, *, loss: Literal["mse", "l1", "smooth l1"] = "mse") -> Task:
    """Real values for each image, `[N, size]`: squared error by default, measured by mean absolute error."""
    return Task(name, "regression", size, (), _regression_loss(name, loss), "mean absolute error", False)


def pixel_classification(name: str, classes: int | Sequence[str]) -> Task:
    """A class for each pixel (semantic segmentation): cross-entropy, measured by mean intersection over union."""
    size, names = _classes(classes)
    return Task(name, "pixel classification", size, names, "cross-entropy", "mean IoU")


def pixel_regression(name: str, size: int = 1, *, loss: Literal["mse", "l1", "smooth l1"] = "l1") -> Task:
    """Real values for each pixel (such as depth), `[N, size, H, W]`: absolute error as loss and as metric."""
    return Task(name, "pixel regression", size, (), _regression_loss(name, loss), "mean absolute error", False)


def check_tasks(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks as a tuple; a `ValueError` if there is none or if two have the same name."""
    tasks = tuple(tasks)
    if not tasks:
        raise ValueError("at least one task is needed, none was given")
    for task in tasks:
        if not isinstance(task, Task):
            raise ValueError(f"expected tasks such as classification('digit', 10), not {task!r}")
    names = [task.name for task in tasks]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two tasks are called '{name}'; each needs a name of its own")
    return tasks


def _classes(classes: int | Sequence[str]) -> tuple[int, tuple[str, ...]]:
    if isinstance(classes, int):
        return classes, ()
    if isinstance(classes, str) or not isinstance(classes, Sequence):
        raise ValueError(f"classes must be their number or a list of their names, not {classes!r}")
    return len(classes), tuple(classes)


def _regression_loss(name: str, loss: str) -> str:
    if loss not in _REGRESSION_LOSSES:
        raise ValueError(f"task '{name}': loss must be one of {', '.join(_REGRESSION_LOSSES)}, not {loss!r}")
    return loss
