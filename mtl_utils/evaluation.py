"""Measuring a model on a split: the loss and the metric of each task."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from mtl_utils.data.batches import checked_batches, target_of
from mtl_utils.data.split import Batch, MultiTaskData, Split, Targets
from mtl_utils.device import choose_device, device_of
from mtl_utils.evaluation_mode import evaluation_mode
from mtl_utils.tasks import Task

# Larger batches are slower: the small CNN takes twice the time per image with 500, for its features leave the cache.
_BATCH = 250


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
    split: Split | Iterable[Batch],
    *,
    tasks: Sequence[Task] | None = None,
    batch_size: int = _BATCH,
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
    """
    check_is_no_data_set(split)
    tasks = tuple(tasks) if tasks is not None else tasks_of(split)
    check_model_has_tasks(model, tasks)
    device = choose_device(device) if device is not None else device_of(model)
    model.to(device)
    if isinstance(split, Split):
        split.check_fits(tasks)
    batches = split.batches(batch_size, device=device) if isinstance(split, Split) else checked_batches(split, tasks)
    metrics = {task.name: task.metric().to(device) for task in tasks}
    sums = {task.name: 0.0 for task in tasks}
    counts = {task.name: 0 for task in tasks}
    with evaluation_mode(model), torch.inference_mode():
        for images, targets in batches:
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


def predict(model: nn.Module, split: Split, *, batch_size: int = _BATCH) -> dict[str, Tensor]:
    """Every task's outputs for all images of a split, on the CPU, without gradients and in evaluation mode.

    Raises:
        ValueError: if something else than a split comes, or the model gives no outputs for it.
    """
    check_is_no_data_set(split)
    if not isinstance(split, Split):
        raise ValueError(f"predict takes a split, not a {type(split).__name__}")
    check_model_has_tasks(model, ())
    device = device_of(model)
    with evaluation_mode(model), torch.inference_mode():
        outputs = [outputs_of(model, images) for images, _ in split.batches(batch_size, device=device)]
    return {name: torch.cat([output[name].cpu() for output in outputs]) for name in outputs[0]}


def labelled_losses(
    model: nn.Module,
    images: Tensor,
    targets: Targets,
    tasks: Sequence[Task],
    *,
    complete: Collection[str] = (),
) -> dict[str, Tensor]:
    """The loss of every task that has a label in this batch, with what its gradient needs.

    Args:
        model: returns `{task: output}`.
        images: on the model's device.
        targets: of each task, on any device.
        tasks: the tasks.
        complete: names of tasks that have a label for every image, so that nobody needs to look.

    Raises:
        ValueError: if a task has no output or no targets, or targets that do not fit it.
    """
    outputs = outputs_of(model, images)
    losses = {}
    for task in tasks:
        output = output_of(outputs, task)
        target = target_of(targets, task).to(images.device)
        if task.name in complete or task.labelled(target).any():
            losses[task.name] = task.loss(output, target)
    return losses


def tasks_of(data: object) -> tuple[Task, ...]:
    """The tasks that data come with: those of a split or a data set, or of the split inside a `DataLoader`."""
    for holder in (data, getattr(data, "dataset", None)):
        tasks = getattr(holder, "tasks", None)
        if tasks is not None:
            return tuple(tasks)
    raise ValueError(f"{type(data).__name__} does not say which tasks it has; name them in `tasks=`")


def check_is_no_data_set(split: object) -> None:
    """Raise a `ValueError` if a whole data set came where one of its splits is meant."""
    if isinstance(split, MultiTaskData):
        raise ValueError(
            f"one split is needed, and '{split.name}' has three: name its .val (to choose) or .test (at the very end)"
        )


def check_model_has_tasks(model: nn.Module, tasks: Sequence[Task]) -> None:
    """Raise a `ValueError` if the model is no module, or one that knows its tasks and has no head for one of these."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"the model must be a torch.nn.Module, not {model!r}")
    known = getattr(model, "task_names", None)
    if known is None:
        return
    for task in tasks:
        if task.name not in known:
            raise ValueError(f"the model has no head for task '{task.name}'; it has heads for {list(known)}")


def outputs_of(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """What the model answers for a batch of images.

    Raises:
        ValueError: in words, with PyTorch's own, if the model cannot take such images, or returns no dictionary.
    """
    try:
        outputs = model(images)
    except RuntimeError as error:
        if type(error) is not RuntimeError:  # no memory left, not implemented, …: nothing to do with these images
            raise
        raise ValueError(f"the model cannot answer for images of shape {tuple(images.shape)}: {error}") from error
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise ValueError(
            "this model has batch norm, which cannot learn from a batch of one image: use a larger batch size, or "
            "drop_last=True in the DataLoader"
        ) from error
    if not isinstance(outputs, dict):
        raise ValueError(f"a multi-task model must return a dictionary {{task: output}}, not {type(outputs).__name__}")
    return outputs


def output_of(outputs: dict[str, Tensor], task: Task) -> Tensor:
    """A task's output; a `ValueError` in words if the model gave none."""
    if task.name not in outputs:
        raise ValueError(f"the model gave no output for task '{task.name}'; it gave outputs for {list(outputs)}")
    return outputs[task.name]
