"""The kinds of task that most problems need, a function for each: `classification`, `regression`, and their maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mtl_utils._checks import check_positive, is_whole
from mtl_utils.tasks.known import LOSSES, METRICS
from mtl_utils.tasks.task import Loss, Task

if TYPE_CHECKING:
    from torchmetrics import Metric


def classification(
    name: str, classes: int | Sequence[str], *, loss: Loss = "cross-entropy", metric: str | Callable[[], Metric] = "accuracy"
) -> Task:
    """A class for each image: cross-entropy, measured by accuracy (0 to 1).

    Args:
        name: The task's name.
        classes: The number of classes, or their names.
        loss: Another loss `(output [n, classes], target [n]) -> scalar`; it sees labelled images only.
        metric: `accuracy`, `balanced accuracy`, `mean IoU`, or a function that makes an empty torchmetrics metric.

    Example:
        >>> import torch
        >>> task = classification("animal", ["cat", "dog"])
        >>> task.loss(torch.tensor([[2.0, 0.0], [0.0, 0.0]]), torch.tensor([0, -100])).item()  # the second label is missing
        0.126928...
    """
    return _make(name, "classification", classes, loss, metric, None)


def regression(
    name: str, size: int = 1, *, loss: Loss = "mse", metric: str | Callable[[], Metric] = "mean absolute error"
) -> Task:
    """Real values for each image, `[N, size]`: squared error by default, measured by mean absolute error.

    Args:
        name: The task's name.
        size: How many values.
        loss: `mse`, `l1`, `smooth l1`, or a function of the labelled values `(output [n], target [n]) -> scalar`.
        metric: `mean absolute error`, `root mean squared error`, or a function that makes an empty torchmetrics metric.

    Examples:
        >>> regression('position', 2).loss_name, regression('position', 2, loss='l1').loss_name
        ('mse', 'l1')
    """
    return _make(name, "regression", size, loss, metric, None, False)


def pixel_classification(
    name: str, classes: int | Sequence[str], *, loss: Loss = "cross-entropy", metric: str | Callable[[], Metric] = "mean IoU"
) -> Task:
    """A class for each pixel (semantic segmentation): cross-entropy, measured by mean intersection over union.

    Examples:
        >>> pixel_classification('parts', ['sky', 'road']).target_shape(8, (32, 48))
        (8, 32, 48)
    """
    return _make(name, "pixel classification", classes, loss, metric, 1)


def pixel_regression(
    name: str, size: int = 1, *, loss: Loss = "l1", metric: str | Callable[[], Metric] = "mean absolute error"
) -> Task:
    """Real values for each pixel (such as depth), `[N, size, H, W]`: absolute error as loss and as metric.

    Example:
        >>> import torch
        >>> truth = torch.tensor([[[[3.0, float('nan')]]]])  # two pixels; the second one has no label
        >>> pixel_regression('depth').loss(torch.zeros(1, 1, 1, 2), truth).item()
        3.0
    """
    return _make(name, "pixel regression", size, loss, metric, 1, False)


def grid_regression(
    name: str, size: int = 1, *, stride: int = 4, loss: Loss = "l1", metric: str | Callable[[], Metric] = "mean absolute error"
) -> Task:
    """Real values for each field of `stride`×`stride` pixels, `[N, size, H/stride, W/stride]`, `NaN` where there are none.

    For example how far the object whose center lies in a field has moved.

    Examples:
        >>> grid_regression('motion', 2, stride=4).target_shape(8, (32, 48))
        (8, 2, 8, 12)
    """
    check_positive(f"task '{name}': the stride", stride)
    return _make(name, "grid regression", size, loss, metric, stride, False)


def _make(
    name: str,
    kind: str,
    size: int | Sequence[str],
    loss: Loss,
    metric: str | Callable[[], Metric],
    stride: int | None,
    is_classification: bool = True,
) -> Task:
    names: tuple[str, ...] = ()
    if not is_whole(size) and is_classification:
        if isinstance(size, str) or not isinstance(size, Sequence):
            raise ValueError(f"classes must be their number or a list of their names, not {size!r}")
        names = tuple(size)
        size = len(names)
    chosen = _named_or_callable(name, "loss", loss, LOSSES[is_classification], "a function of output and target")
    made = _named_or_callable(name, "metric", metric, METRICS[is_classification], "a function that makes a torchmetrics metric")
    if isinstance(metric, str):
        _, _, higher, share = METRICS[is_classification][metric]
    else:
        sample = metric()
        higher = sample.higher_is_better is not False
        share = getattr(sample, "plot_lower_bound", None) == 0 and getattr(sample, "plot_upper_bound", None) == 1
    return Task(
        name, kind, size, names,  # type: ignore[arg-type]
        loss if isinstance(loss, str) else "custom",
        metric if isinstance(metric, str) else type(sample).__name__,
        higher, share, is_classification, stride,
        chosen, made,
    )  # fmt: skip


def _named_or_callable(task: str, what: str, given: Any, known: Mapping[str, Any], else_: str) -> Any:
    """`None` for a known name, the callable itself otherwise; a `ValueError` in words for anything else."""
    if callable(given):
        return given
    if given not in known:
        raise ValueError(f"task '{task}': {what} must be {else_}, or one of {', '.join(known)}, not {given!r}")
    return None
