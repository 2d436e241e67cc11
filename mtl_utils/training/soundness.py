"""Finds out while a training runs that something is not sound: a penalty that changes nothing, a loss that is not finite."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class NonFiniteLossError(RuntimeError):
    """A loss became infinite or not a number. The message names the task and the step."""


def checked_penalty(penalty: object) -> Tensor:
    """The penalty, if it is one number with a graph; else a `ValueError` in words."""
    if not isinstance(penalty, Tensor) or penalty.dim():
        found = f"a tensor of shape {tuple(penalty.shape)}" if isinstance(penalty, Tensor) else repr(penalty)
        raise ValueError(f"the penalty must return one number as a tensor with its graph, not {found}")
    if not penalty.requires_grad:
        raise ValueError(
            "the penalty does not depend on the model's parameters, so it changes nothing: compute it from them, without "
            "item(), detach() or no_grad()"
        )
    return penalty


def check_penalty_is_ours(penalty: Tensor, learning: Sequence[nn.Parameter]) -> None:
    """Raise a `ValueError` in words if a penalty depends on none of the parameters that are trained."""
    gradients = torch.autograd.grad(penalty, list(learning), retain_graph=True, allow_unused=True)
    if all(gradient is None for gradient in gradients):
        raise ValueError(
            "the penalty does not depend on the parameters of this model (on those of another one, perhaps?), so it "
            "changes nothing: compute it from the model that it is given"
        )
