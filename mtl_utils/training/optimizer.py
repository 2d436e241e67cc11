"""The default optimizer, and the parameter groups that an optimizer is made for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mtl_utils.balancing import Balancer
from mtl_utils.models.base import MultiTaskModel

ParameterGroups = list[dict[str, Any]]
# Makes an optimizer from parameter groups, such as `lambda groups: torch.optim.SGD(groups, lr=0.1)`.
OptimizerFactory = Callable[[ParameterGroups], Optimizer]


def adam(learning_rate: float = 2e-3, weight_decay: float = 0.0) -> OptimizerFactory:
    """Makes Adam for parameter groups: the default optimizer, in its fused form, which is the fastest.

    Args:
        learning_rate: step size.
        weight_decay: strength of the L2 penalty ½·λ·‖θ‖², added to the gradient.

    Examples:
        >>> optimizer = adam(1e-3)([{'params': [torch.nn.Parameter(torch.zeros(2))]}])
        >>> type(optimizer).__name__
        'Adam'
    """
    return lambda groups: torch.optim.Adam(groups, lr=learning_rate, weight_decay=weight_decay, fused=True)


def make_optimizer(factory: OptimizerFactory, model: nn.Module, balancer: Balancer) -> Optimizer:
    """An optimizer for all that is learned: the model, in groups of its own wish if it has one, and the balancer."""
    wished = model.parameter_groups() if isinstance(model, MultiTaskModel) else [{"params": list(model.parameters())}]
    groups: ParameterGroups = [{**group, "params": [p for p in group["params"] if p.requires_grad]} for group in wished]
    if not any(group["params"] for group in groups):
        raise ValueError("there is nothing to train: the model has no parameters, or all of them have requires_grad=False")
    if learned := balancer.parameters():
        groups.append({"params": learned, "weight_decay": 0.0})
    made = factory(groups)
    if not isinstance(made, Optimizer):
        raise ValueError(f"optimizer= must make a torch.optim.Optimizer, not {made!r}")
    given = {id(parameter) for group in groups for parameter in group["params"]}
    held = [parameter for group in made.param_groups for parameter in group["params"]]
    if foreign := sum(id(parameter) not in given for parameter in held):
        raise ValueError(
            f"{foreign} of the {len(held)} parameters in the optimizer are not among this model's that learn, so they would "
            "never train it: make the optimizer from the groups that it is given, such as "
            "lambda groups: torch.optim.SGD(groups, lr=0.1)"
        )
    for group in made.param_groups:
        if not group.get("has_its_rate"):  # an optimizer that served an earlier run has it already
            group["lr"] *= group.get("learning_rate_factor", 1.0)
            group["has_its_rate"] = True
    return made


def make_schedule(factory: Callable[[Optimizer], LRScheduler], optimizer: Optimizer) -> LRScheduler:
    """A learning rate schedule of this optimizer; a `ValueError` in words if the factory made something else."""
    made = factory(optimizer)
    if not isinstance(made, LRScheduler):
        hint = " (is its `return` missing?)" if made is None else ""
        raise ValueError(f"schedule= must return a learning rate schedule of torch.optim.lr_scheduler, not {made!r}{hint}")
    if getattr(made, "optimizer", optimizer) is not optimizer:
        raise ValueError("schedule= returned the schedule of another optimizer: make it from the one that it is given")
    return made
