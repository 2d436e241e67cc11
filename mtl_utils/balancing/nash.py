"""The Nash bargaining solution among tasks, solved exactly."""

from __future__ import annotations

import torch
from torch import Tensor
from torchjd.aggregation import WeightedAggregator, Weighting

_ROUNDS = 50
_PRECISION = 1e-10


class NashBargaining(WeightedAggregator):
    """Navon et al., "Multi-task learning as a bargaining game" (ICML 2022).

    The update Σ α_i·g_i with the α > 0 that solve (G·α)_i = 1/α_i, where G is the Gramian of the gradients. It maximizes the
    sum of log(g_i·d), so that a task with a short gradient bargains as hard as one with a long one. Before it is shortened,
    its length is √T, whatever the gradients.

    Deviations: α minimizes ½·αᵀGα − Σ log α_i, which is convex and has just that condition; Newton's method finds it in a few
    rounds. The authors' code, and TorchJD's, solve a sequence of approximations with CVXPY and ECOS, which remembers the
    previous step, does not always converge, and does not install from wheels everywhere. A task whose gradient is zero, which
    cannot bargain, gets the weight 0. Gradients that cancel each other (a point where no task can get better alone) have no
    solution; α is then very large, the update very short.

    Args:
        max_norm: the update is shortened to this length if it is longer; 0 for never.
    """

    def __init__(self, max_norm: float = 1.0) -> None:
        if not 0 <= max_norm < float("inf"):
            raise ValueError(f"max_norm must be zero or more and finite, not {max_norm!r}")
        super().__init__(_NashWeighting(max_norm))

    def __repr__(self) -> str:
        return "Nash-MTL"

    __str__ = __repr__


class _NashWeighting(Weighting[Tensor]):
    def __init__(self, max_norm: float) -> None:
        super().__init__()
        self._max_norm = max_norm

    def forward(self, jacobian: Tensor, /) -> Tensor:
        alpha = nash_weights(jacobian @ jacobian.T)
        length = torch.linalg.vector_norm(alpha @ jacobian)
        return alpha * (self._max_norm / length) if 0 < self._max_norm < length else alpha


def nash_weights(gramian: Tensor) -> Tensor:
    """The α > 0 with (G·α)_i = 1/α_i, for a Gramian `[T, T]`; 0 for a task whose gradient is zero."""
    lengths = gramian.diagonal().double().clamp(min=0).sqrt().cpu()
    there = lengths > 0
    if not there.any():
        return torch.zeros_like(gramian[0])
    # With β_i = α_i·‖g_i‖ the same problem in the cosines: rows of very different lengths do no harm.
    cosines = gramian.double().cpu()[there][:, there] / (lengths[there, None] * lengths[there])
    # What rounding makes of gradients that depend on each other may have no minimum.
    cosines = cosines + 1e-9 * torch.eye(len(cosines), dtype=torch.float64)
    beta = torch.full((len(cosines),), len(cosines) ** -0.5, dtype=torch.float64)
    for _ in range(_ROUNDS):
        slope = cosines @ beta - 1 / beta
        step = torch.linalg.solve(cosines + torch.diag(beta**-2), slope)
        decrement = float((slope @ step).clamp(min=0).sqrt())
        beta = beta - step / (1 + decrement)  # a damped step, which stays above zero and always descends
        if decrement < _PRECISION:
            break
    weights = torch.zeros_like(lengths)
    weights[there] = beta / lengths[there]
    return weights.to(gramian)
