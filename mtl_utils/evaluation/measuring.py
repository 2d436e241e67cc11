"""Measuring a model on a split: the loss and the metric of each task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from mtl_utils.datasets.batches import EVALUATION_BATCH, Batches, as_batches
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.device import choose_device, device_of
from mtl_utils.models.forward import check_model_has_tasks, evaluation_mode, output_of, outputs_of
from mtl_utils.tasks import Batch, Task, target_of


@dataclass(frozen=True)
class Evaluation:
    """What a model reaches on a split.

    Attributes:
        losses: mean loss of each task over its labels.
        metrics: metric of each task (see `Task.metric_name`).
    """

    losses: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


def evaluate(
    model: nn.Module,
    split: MultiTaskDataset | Iterable[Batch],
    *,
    tasks: Sequence[Task] | None = None,
    batch_size: int = EVALUATION_BATCH,
    device: torch.device | str | None = None,
) -> Evaluation:
    """Loss and metric of every task, without gradients and in evaluation mode; every part's mode is as before afterwards.

    Args:
        model: returns `{task: output}`. It stays on its device, unless another is named.
        split: a split, or any batches `(images, {task: targets})`, such as a `DataLoader`.
        tasks: the tasks to measure; those of the split by default.
        batch_size: images per forward pass, for a split.
        device: where to compute.

    Raises:
        ValueError: if a task has no output or no targets, or targets that do not fit it.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(100, 100, 100)
        >>> found = evaluate(models.hard_sharing(models.lenet, pairs), pairs.val)
        >>> sorted(found.metrics)
        ['left', 'right']
    """
    return evaluate_batches(model, as_batches(split, tasks, batch_size=batch_size), device=device)


def evaluate_batches(model: nn.Module, batches: Batches, *, device: torch.device | str | None = None) -> Evaluation:
    """As `evaluate`, on batches that have come through the door already.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(100, 100, 100)
        >>> model = models.hard_sharing(models.lenet, pairs)
        >>> evaluate_batches(model, as_batches(pairs.val)) == evaluate(model, pairs.val)
        True
    """
    tasks = batches.tasks
    check_model_has_tasks(model, tasks)
    device = choose_device(device) if device is not None else device_of(model)
    model.to(device)
    metrics = {task.name: task.metric().to(device) for task in tasks}
    sums = {task.name: 0.0 for task in tasks}
    counts = {task.name: 0 for task in tasks}
    with evaluation_mode(model), torch.inference_mode():
        for images, targets in batches.once(device):
            outputs = outputs_of(model, images.to(device))
            for task in tasks:
                output = output_of(outputs, task)
                target = target_of(targets, task).to(device)
                labels = int(task.labelled(target).sum())
                if labels:
                    sums[task.name] += float(task.loss(output, target)) * labels
                    counts[task.name] += labels
                    task.update_metric(metrics[task.name], output, target)
    measured = {name: counts[name] > 0 for name in counts}
    return Evaluation(
        {name: sums[name] / counts[name] if there else float("nan") for name, there in measured.items()},
        {name: float(metrics[name].compute()) if there else float("nan") for name, there in measured.items()},
    )


def predict(
    model: nn.Module, split: MultiTaskDataset | Iterable[Batch], *, batch_size: int = EVALUATION_BATCH
) -> dict[str, Tensor]:
    """Every task's outputs for all images of a split, on the CPU, without gradients and in evaluation mode.

    Raises:
        ValueError: if a whole data set comes, or the model gives no outputs.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(100, 100, 100)
        >>> outputs = predict(models.hard_sharing(models.lenet, pairs), pairs.val)
        >>> {name: tuple(output.shape) for name, output in outputs.items()}
        {'left': (100, 10), 'right': (100, 10)}
    """
    batches = as_batches(split, batch_size=batch_size)
    check_model_has_tasks(model, ())
    device = device_of(model)
    with evaluation_mode(model), torch.inference_mode():
        outputs = [outputs_of(model, images.to(device)) for images, _ in batches.once(device)]
    if not outputs:
        raise ValueError("there are no images to predict for")
    return {name: torch.cat([output[name].cpu() for output in outputs]) for name in outputs[0]}
