"""What penalties have in common: a strength that may be changed while training runs, and is checked whenever it is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from torch import Tensor, nn


class Penalty(ABC):
    """A term that training adds to what the balancer descends.

    Args:
        strength: λ, zero or more; assign another number while training runs, the next step uses it.

    Example:
        >>> class SmallBias(Penalty):
        ...     def __call__(self, model):
        ...         return self.strength * model.bias.square().sum()
        >>> layer = nn.Linear(3, 2)
        >>> _ = nn.init.ones_(layer.bias)
        >>> SmallBias(0.5)(layer).item()
        1.0
    """

    #: Whether the limit of an infinite strength has a meaning of its own.
    may_be_infinite = False

    def __init__(self, strength: float) -> None:
        self.strength = strength

    @property
    def strength(self) -> float:
        """λ, the strength now in force."""
        return self._strength

    @strength.setter
    def strength(self, strength: float) -> None:
        is_number = isinstance(strength, int | float) and not isinstance(strength, bool)
        if not is_number or not strength >= 0 or (math.isinf(strength) and not self.may_be_infinite):
            wanted = "a number, zero or more" if self.may_be_infinite else "zero or more and finite"
            raise ValueError(f"a penalty's strength must be {wanted}, not {strength!r}")
        self._strength = float(strength)

    @abstractmethod
    def __call__(self, model: nn.Module) -> Tensor:
        """The penalty, a scalar with its graph. Called by `train` when the tasks' gradients are there, before the update."""
