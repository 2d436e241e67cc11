"""How hard each task pulls on the shared parameters, and whether the tasks pull the same way, measured on a few images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from mtl_utils.analysis.gradient_cosine import gradient_cosine
from mtl_utils.balancing import task_gradients
from mtl_utils.models import MultiTaskModel
from mtl_utils.models.forward import evaluation_mode, labelled_losses
from mtl_utils.tasks import Batch, Task


@dataclass(frozen=True)
class Pull:
    """The tasks' gradients on the shared parameters.

    Attributes:
        norms: ‖g_i‖ of each task, without its weight.
        cosines: for each pair of tasks, +1 the same way, 0 at right angles, below 0 in conflict.
    """

    norms: dict[str, float] = field(default_factory=dict)
    cosines: dict[tuple[str, str], float] = field(default_factory=dict)


def measure_pull(model: nn.Module, batch: Batch, tasks: Sequence[Task]) -> Pull:
    """Gradient norms and cosines on one batch, in evaluation mode; the model, its `.grad`, mode and chance stay as they were.

    Returns:
        An empty `Pull` if the model does not say what it shares, or shares nothing that learns, or the batch has no label.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(60, 20, 20)
        >>> pull = measure_pull(models.hard_sharing(models.lenet, pairs), pairs.train.batch(slice(0, 8)), pairs.tasks)
        >>> list(pull.norms), list(pull.cosines)
        (['left', 'right'], [('left', 'right')])
    """
    if not isinstance(model, MultiTaskModel) or not any(each.requires_grad for each in model.shared_parameters()):
        return Pull()
    parameters = list(model.parameters())
    kept = [parameter.grad for parameter in parameters]
    try:
        with evaluation_mode(model):
            losses = labelled_losses(model, batch[0].to(parameters[0].device), batch[1], tasks)
            if not losses:
                return Pull()
            jacobian, _ = task_gradients(losses, model)
    finally:
        for parameter, gradient in zip(parameters, kept, strict=True):
            parameter.grad = gradient
    if not torch.isfinite(jacobian).all():
        return Pull()
    names, cosine = list(losses), gradient_cosine(jacobian)
    return Pull(
        dict(zip(names, jacobian.norm(dim=1).tolist(), strict=True)),
        {(a, b): float(cosine[i, j]) for i, a in enumerate(names) for j, b in enumerate(names) if i < j},
    )
