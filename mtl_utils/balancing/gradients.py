"""Each task's gradient on the shared parameters."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtl_utils.models.base import MultiTaskModel


def task_gradients(losses: dict[str, Tensor], model: MultiTaskModel) -> tuple[Tensor, list[nn.Parameter]]:
    """Gradients of each loss with respect to the shared parameters, and, as a by-product, the heads' own in `.grad`.

    Args:
        losses: a scalar with its graph for each task.
        model: says which parameters are shared. Frozen ones (`requires_grad` off) are left out.

    Returns:
        The Jacobian `[T, number of shared parameters]`, rows in the order of `losses`, zero where a loss does not depend on a
        parameter; and the shared parameters, in the order of its columns.
    """
    shared = [parameter for parameter in model.shared_parameters() if parameter.requires_grad]  # frozen ones stay as they are
    rows = []
    for number, (name, loss) in enumerate(losses.items(), start=1):
        own = [parameter for parameter in model.task_parameters(name) if parameter.requires_grad]
        gradients = torch.autograd.grad(loss, [*shared, *own], retain_graph=number < len(losses), allow_unused=True)
        for parameter, gradient in zip(own, gradients[len(shared) :], strict=True):
            if gradient is not None:
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        flat = [
            torch.zeros_like(parameter).flatten() if gradient is None else gradient.flatten()
            for parameter, gradient in zip(shared, gradients, strict=False)
        ]
        rows.append(torch.cat(flat) if flat else loss.new_zeros(0))
    return torch.stack(rows), shared
