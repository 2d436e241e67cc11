"""Each task's gradient on what the tasks share: the parameters, or the features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from mtl_utils.models.base import MultiTaskModel


def task_gradients(losses: dict[str, Tensor], model: MultiTaskModel) -> tuple[Tensor, list[nn.Parameter]]:
    """Gradients of each loss with respect to the shared parameters, and, as a by-product, the heads' own in `.grad`.

    One backward pass per task, one after another, through the same forward pass: every task sees the same dropout mask, and
    batch norm counts the batch once.

    Args:
        losses: a scalar with its graph for each task.
        model: says which parameters are shared. Frozen ones (`requires_grad` off) are left out.

    Returns:
        The Jacobian `[T, number of shared parameters]`, rows in the order of `losses`, zero where a loss does not depend on a
        parameter; and the shared parameters, in the order of its columns.

    Raises:
        ValueError: if a loss has no graph.

    Example:
        >>> from mtl_utils import problems
        >>> problem = problems.ConcaveFront((0.0, 0.0))
        >>> jacobian, _ = task_gradients(problem.losses(problem.x[0]), problem)
        >>> jacobian.round(decimals=2)  # opposite: no step makes both losses smaller
        tensor([[-0.5200, -0.5200],
                [ 0.5200,  0.5200]])
    """
    shared, own = shared_and_own_parameters(model)
    jacobian = next(iter(losses.values())).new_zeros(len(losses), sum(parameter.numel() for parameter in shared))
    for row, gradients in zip(jacobian, _passes(losses, shared, own), strict=True):
        start = 0
        for parameter, gradient in zip(shared, gradients, strict=True):
            if gradient is not None:
                row[start : start + parameter.numel()].view_as(parameter).copy_(gradient)
            start += parameter.numel()
    return jacobian, shared


def feature_gradients(losses: dict[str, Tensor], features: Tensor, model: MultiTaskModel) -> Tensor:
    """Gradients of each loss with respect to the shared features, and, as a by-product, the heads' own in `.grad`.

    A backward pass per task goes through its head only, so this costs almost nothing at any number of tasks.

    Args:
        losses: a scalar with its graph for each task.
        features: `[N, …]`, those that the heads read in the forward pass that gave the losses.
        model: says which parameters belong to one task alone.

    Returns:
        The Jacobian `[T, N·…]`, the batch dimension included, rows in the order of `losses`.

    Raises:
        ValueError: if a loss has no graph.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(60, 20, 20)
        >>> model = models.hard_sharing(models.lenet, pairs)
        >>> images, targets = pairs.train.batch(slice(0, 4))
        >>> features = model.encode(images)
        >>> losses = {task.name: task.loss(model.decode(features)[task.name], targets[task.name]) for task in pairs.tasks}
        >>> tuple(feature_gradients(losses, features, model).shape)  # 2 tasks; 4 images with 50 features each
        (2, 200)
    """
    _, own = shared_and_own_parameters(model)
    # The encoder's part of the graph is needed once more, for the backward pass of the aggregate.
    passes = _passes(losses, [features], own, keep_last=True)
    return torch.stack([torch.zeros_like(features).flatten() if g is None else g.flatten() for (g,) in passes])


def shared_and_own_parameters(model: MultiTaskModel) -> tuple[list[nn.Parameter], dict[str, list[nn.Parameter]]]:
    """The parameters that learn: those that two or more tasks use, and those of each task alone; `parts()` is asked once."""
    shared: list[nn.Parameter] = []
    own: dict[str, list[nn.Parameter]] = {}
    for part in model.parts():
        to = shared if len(part.tasks) > 1 else own.setdefault(part.tasks[0], [])
        to.extend(parameter for parameter in part.module.parameters() if parameter.requires_grad)
    return shared, own


def _passes(
    losses: dict[str, Tensor], common: Sequence[Tensor], own: dict[str, list[nn.Parameter]], *, keep_last: bool = False
) -> Iterator[tuple[Tensor | None, ...]]:
    """A backward pass for each loss: yields its gradients on what is common, and adds its own parameters' to `.grad`."""
    for number, (name, loss) in enumerate(losses.items(), start=1):
        if not loss.requires_grad:
            raise ValueError(
                f"the loss of task '{name}' has no graph, so it has no gradient: compute it from the model's output, without "
                "detach(), item() or no_grad()"
            )
        mine = own.get(name, [])
        inputs = [*common, *mine]
        gradients: tuple[Tensor | None, ...] = ()
        if inputs:
            keep = keep_last or number < len(losses)
            gradients = torch.autograd.grad(loss, inputs, retain_graph=keep, allow_unused=True)
        for parameter, gradient in zip(mine, gradients[len(common) :], strict=True):
            if gradient is not None:
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        yield gradients[: len(common)]
