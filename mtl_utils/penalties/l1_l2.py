"""Penalties on the weights, added to the loss: L1 and L2."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtl_utils.models.base import MultiTaskModel
from mtl_utils.penalties.base import Penalty


class L1(Penalty):
    """λ·Σ|θ|. Pushes every weight towards zero with the same force, so that weights which do little become tiny.

    Left out are biases and batch-norm parameters (everything with one dimension), as is usual, and what a model wants to learn
    without weight decay (`MultiTaskModel.parameter_groups`): the crossings between columns, which zero would cut.

    Args:
        strength: λ, zero or more; may be changed while training runs.

    Examples:
        >>> layer = nn.Linear(2, 1)
        >>> _ = nn.init.constant_(layer.weight, -3.0)
        >>> round(float(L1(0.1)(layer).detach()), 2)  # 0.1·(|-3| + |-3|)
        0.6
    """

    def __call__(self, model: nn.Module) -> Tensor:
        return self.strength * _total([weight.abs().sum() for weight in _weights(model)])


class L2(Penalty):
    """½·λ·Σθ². Pushes a weight towards zero in proportion to its size. With plain SGD the same as weight decay.

    What `L1` leaves out is left out here.

    Args:
        strength: λ, zero or more; may be changed while training runs.

    Examples:
        >>> layer = nn.Linear(2, 1)
        >>> _ = nn.init.constant_(layer.weight, -3.0)
        >>> round(float(L2(0.1)(layer).detach()), 2)  # ½·0.1·(9 + 9)
        0.9
    """

    def __call__(self, model: nn.Module) -> Tensor:
        return self.strength / 2 * _total([weight.square().sum() for weight in _weights(model)])


def _weights(model: nn.Module) -> list[nn.Parameter]:
    groups = model.parameter_groups() if isinstance(model, MultiTaskModel) else [{"params": model.parameters()}]
    decayed = [group for group in groups if group.get("weight_decay") != 0]
    return [parameter for group in decayed for parameter in group["params"] if parameter.dim() > 1]


def _total(sums: list[Tensor]) -> Tensor:
    if not sums:
        raise ValueError("this model has no weights to penalize: everything has one dimension only")
    return torch.stack(sums).sum()
