"""Uncertainty weighting: each task's noise is learned, and weighs its loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtl_utils.balancing.scalarization import Scalarization
from mtl_utils.tasks import Task


class UncertaintyWeighting(Scalarization):
    """Kendall, Gal & Cipolla, "Multi-task learning using uncertainty to weigh losses" (CVPR 2018).

    With s = log σ² learned for each task, the total is Σ (f·e^(−s)·L + ½·s), where f = ½ for regression (squared error) and
    f = 1 for classification (the paper's approximation of a cross-entropy divided by σ²). The total may become negative: the
    log term falls without bound as a loss goes to zero.

    Deviation: many codes, TorchJD's `UW` among them, take f = ½ for every task; `Scalarization(torchjd.scalarization.UW)`
    is that variant.

    Args:
        tasks: the tasks; their kinds decide f.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._factors = {task.name: 1.0 if task.is_classification else 0.5 for task in tasks}
        super().__init__(lambda _: KendallTotal([self._factor(name) for name in self.tasks]))

    @property
    def log_variances(self) -> dict[str, float]:
        """The s = log σ² of each task, as learned so far."""
        return dict(zip(self.tasks, self.scalarizer.log_variances.tolist(), strict=True))  # type: ignore[operator]

    def _factor(self, name: str) -> float:
        if name not in self._factors:
            raise ValueError(f"uncertainty weighting was made for the tasks {list(self._factors)}, not for '{name}'")
        return self._factors[name]


class KendallTotal(nn.Module):
    """Σ (f·e^(−s)·L + ½·s) with learned s, which start at 0.

    Args:
        factors: f of each task, `[T]`.
    """

    def __init__(self, factors: Sequence[float]) -> None:
        super().__init__()
        self.log_variances = nn.Parameter(torch.zeros(len(factors)))
        self.register_buffer("factors", torch.tensor(factors))

    def forward(self, losses: Tensor) -> Tensor:
        return (self.factors * torch.exp(-self.log_variances) * losses + self.log_variances / 2).sum()  # type: ignore[operator]
