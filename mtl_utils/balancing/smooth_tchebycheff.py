"""Smooth Tchebycheff scalarization: weights that can reach every point of a front, also where it is concave."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from mtl_utils.balancing.balancer import Losses, Weights
from mtl_utils.balancing.scalarization import Scalarization
from mtl_utils.balancing.weighted_sum import WeightedSum

if TYPE_CHECKING:
    from torchjd.scalarization import STCH


class SmoothTchebycheff(Scalarization):
    """L = μ·log Σ exp(w_i·(L_i − z_i)/μ), a smooth form of the largest weighted loss, max w_i·(L_i − z_i).

    Lin et al., "Smooth Tchebycheff scalarization for multi-objective optimization" (ICML 2024), computed by TorchJD's `STCH`.
    Its gradient is a weighted sum in which the task that is worst at the moment counts most, so the effective weights change
    with the losses even when the weights stay. As in `WeightedSum`, the weights may be assigned while training runs.

    Args:
        weights: a weight for each task; all 1/T by default.
        smoothing: μ, above zero; the smaller, the closer to the maximum.
        ideal: z, the best loss one hopes for, for each task; zeros by default.

    Example:
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.0, 0.0))
        >>> balancer = SmoothTchebycheff({'first': 0.5, 'second': 0.5})
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=1, balancer=balancer, progress=False)
        >>> {task: round(weight, 2) for task, weight in history.steps[0].weights.items()}  # equal losses count alike
        {'first': 0.25, 'second': 0.25}
    """

    def __init__(
        self, weights: Mapping[str, float] | None = None, *, smoothing: float = 0.1, ideal: Mapping[str, float] | None = None
    ) -> None:
        self._chosen = WeightedSum("mean" if weights is None else weights)  # checks weights and names in the same words
        if not 0 < smoothing < math.inf:
            raise ValueError(f"smooth Tchebycheff's smoothing must be above zero and finite, not {smoothing!r}")
        for name, value in (ideal or {}).items():
            if not math.isfinite(value):
                raise ValueError(f"the ideal loss of task '{name}' must be finite, not {value!r}")
        self._smoothing, self._ideal = smoothing, ideal
        super().__init__(self._make_scalarizer)

    @property
    def weights(self) -> Weights:
        """The weights now in force. Assign a whole dictionary to change them; the next step uses it."""
        return self._chosen.weights

    @weights.setter
    def weights(self, weights: Mapping[str, float]) -> None:
        self._chosen.weights = weights

    def prepare(self, tasks: Sequence[str]) -> None:
        self._chosen.prepare(tasks)
        if self._ideal is not None and set(self._ideal) != set(tasks):
            raise ValueError(f"ideal losses are given for {list(self._ideal)}, the tasks are {list(tasks)}")
        super().prepare(tasks)

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        weights = self._chosen.weights
        device = next(iter(losses.values())).device
        self.scalarizer.weights = torch.tensor([weights[name] for name in self.tasks], device=device)
        if self._ideal is not None:  # an attribute and no buffer, so it does not move with the module
            self.scalarizer.reference = torch.tensor([self._ideal[name] for name in self.tasks], device=device)
        return super().backward(losses, model)

    def _make_scalarizer(self, count: int) -> STCH:
        from torchjd.scalarization import STCH

        return STCH(self._smoothing)
