"""Penalties on the weights, added to the loss: L1 and L2."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class L1:
    """λ·Σ|θ|. Pushes every weight towards zero with the same force, so that weights which do little become tiny.

    Biases and batch-norm parameters (everything with one dimension) are left out, as is usual.

    Args:
        strength: λ, zero or more; may be changed while training runs.
    """

    def __init__(self, strength: float) -> None:
        self.strength = _checked(strength)

    def __call__(self, model: nn.Module) -> Tensor:
        return self.strength * _total([weight.abs().sum() for weight in _weights(model)])


class L2:
    """½·λ·Σθ². Pushes a weight towards zero in proportion to its size. With plain SGD the same as weight decay.

    Biases and batch-norm parameters are left out.

    Args:
        strength: λ, zero or more; may be changed while training runs.
    """

    def __init__(self, strength: float) -> None:
        self.strength = _checked(strength)

    def __call__(self, model: nn.Module) -> Tensor:
        return self.strength / 2 * _total([weight.square().sum() for weight in _weights(model)])


def _weights(model: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.dim() > 1]


def _total(sums: list[Tensor]) -> Tensor:
    if not sums:
        raise ValueError("this model has no weights to penalise: everything has one dimension only")
    return torch.stack(sums).sum()


def _checked(strength: float) -> float:
    if isinstance(strength, bool) or not isinstance(strength, int | float) or not 0 <= strength < float("inf"):
        raise ValueError(f"a penalty's strength must be zero or more and finite, not {strength!r}")
    return float(strength)
