"""Asking a model: its outputs for a batch, the loss of every task, and its mode."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from mtl_utils.models.base import Outputs
from mtl_utils.tasks import Targets, Task, target_of


def labelled_losses(
    model: nn.Module,
    images: Tensor,
    targets: Targets,
    tasks: Sequence[Task],
    *,
    complete: Collection[str] = (),
) -> dict[str, Tensor]:
    """The loss of every task that has a label in this batch, with what its gradient needs.

    Where a model answers twice (see `Outputs.first`), the loss of a task is the mean of both answers' losses.

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
    first = outputs.first if isinstance(outputs, Outputs) else {}
    losses = {}
    for task in tasks:
        output = output_of(outputs, task)
        target = target_of(targets, task).to(images.device)
        if task.name in complete or task.labelled(target).any():
            loss = task.loss(output, target)
            if task.name in first:
                loss = (loss + task.loss(first[task.name], target)) / 2
            losses[task.name] = loss
    return losses


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


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Inside, the model and all its parts are in evaluation mode; afterwards each part is in the mode that it had before.

    `model.train()` would put every part in training mode, also one that is frozen in evaluation mode while the rest trains.
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()  # inside, for an interruption may come while it goes through the parts
        yield
    finally:
        for module, training in modes:
            module.training = training
