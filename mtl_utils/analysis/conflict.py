"""How often tasks conflict, part by part, and whether they do so more than two batches of the same task do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mtl_utils.balancing import task_gradients
from mtl_utils.models import MultiTaskModel
from mtl_utils.models.forward import evaluation_mode, labelled_losses
from mtl_utils.tasks import Batch, Task

#: The place of all shared parameters together.
WHOLE = "all that is shared"


class Conflict(NamedTuple):
    """The cosine of two gradients on shared parameters.

    Attributes:
        where: a shared part of the model, such as `encoder.conv1`, or `WHOLE`.
        first, second: the tasks; the same twice for the control.
        same_batch: whether both gradients are of the same images.
        cosine: +1 the same way, below 0 in conflict, 0 if a gradient is zero.
    """

    where: str
    first: str
    second: str
    same_batch: bool
    cosine: float


def measure_conflict(model: MultiTaskModel, batch: Batch, other: Batch, tasks: Sequence[Task]) -> list[Conflict]:
    """Cosines between the gradients of all pairs of tasks, in each shared part and in all of them together.

    Two gradients differ because the tasks differ, and because the images do: a gradient of one batch is noisy. So there are
    three kinds of cosine. *Two tasks, one batch*: what methods such as PCGrad look at. *One task, two batches*: the control,
    in which no task conflicts with another. *Two tasks, two batches*: what may be compared with the control.

    Args:
        model: says what it shares; measured in evaluation mode. Its `.grad`, mode and chance stay as they were.
        batch: images and targets.
        other: as many other images.
        tasks: the tasks; those without labels in one of the batches are left out.

    Raises:
        ValueError: if the model shares nothing, or the batches have no labels.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(60, 20, 20)
        >>> model = models.hard_sharing(models.lenet, pairs)
        >>> one, two = pairs.train.batches(30)
        >>> found = measure_conflict(model, one, two, pairs.tasks)
        >>> sorted({(each.first, each.second, each.same_batch) for each in found if each.where == WHOLE})
        [('left', 'left', False), ('left', 'right', False), ('left', 'right', True), ('right', 'right', False)]
    """
    shared = [part for part in model.parts() if len(part.tasks) > 1 and any(p.requires_grad for p in part.module.parameters())]
    if not shared:
        raise ValueError(f"this {type(model).__name__} shares nothing that learns, so its tasks cannot conflict")
    one, two = (_gradients(model, each, tasks) for each in (batch, other))
    names = [task.name for task in tasks if task.name in one and task.name in two]
    if not names:
        raise ValueError("no task has labels in both batches, so there are no gradients to compare")
    sizes = {part.name: sum(p.numel() for p in part.module.parameters() if p.requires_grad) for part in shared}
    found = []
    for number, first in enumerate(names):
        found += _cosines(sizes, first, first, one[first], two[first], same_batch=False)
        for second in names[number + 1 :]:
            found += _cosines(sizes, first, second, one[first], one[second], same_batch=True)
            found += _cosines(sizes, first, second, one[first], two[second], same_batch=False)
    return found


def _gradients(model: MultiTaskModel, batch: Batch, tasks: Sequence[Task]) -> dict[str, Tensor]:
    parameters = list(model.parameters())
    kept = [parameter.grad for parameter in parameters]
    try:
        with evaluation_mode(model), torch.enable_grad():
            losses = labelled_losses(model, batch[0].to(parameters[0].device), batch[1], tasks)
            jacobian = task_gradients(losses, model)[0] if losses else torch.empty(0, 0)
    finally:
        for parameter, gradient in zip(parameters, kept, strict=True):
            parameter.grad = gradient
    return dict(zip(losses, jacobian, strict=True))


def _cosines(sizes: dict[str, int], first: str, second: str, one: Tensor, two: Tensor, *, same_batch: bool) -> list[Conflict]:
    pieces = zip(sizes, torch.split(one, list(sizes.values())), torch.split(two, list(sizes.values())), strict=True)
    return [
        Conflict(where, first, second, same_batch, float(torch.cosine_similarity(a, b, 0)))
        for where, a, b in [(WHOLE, one, two), *pieces]
        if len(a)
    ]
