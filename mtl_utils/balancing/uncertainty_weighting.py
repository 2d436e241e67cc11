"""Uncertainty weighting: each task's noise is learned, and weighs its loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mtl_utils.balancing.balancer import Losses, Weights
from mtl_utils.balancing.positive_losses import check_positive_losses
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
        start: `"zero"` starts every s at 0, as is usual. `"first losses"` starts it where the total is lowest for the task's
            first loss, s = log(2f·L), so that the weights fit from the first step and the losses' units play no part.

    Raises:
        ValueError: if a loss is negative (its weight would grow without bound), or a first loss to start at is zero.

    Examples:
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.5, 0.0))
        >>> balancer = UncertaintyWeighting(problem.tasks())
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=2, balancer=balancer, progress=False)
        >>> {task: round(weight, 1) for task, weight in history.steps[0].weights.items()}
        {'first': 0.5, 'second': 0.5}
    """

    def __init__(self, tasks: Sequence[Task], *, start: Literal["zero", "first losses"] = "zero") -> None:
        if start not in ("zero", "first losses"):
            raise ValueError(f"uncertainty weighting starts at 'zero' or 'first losses', not {start!r}")
        self._start = start
        self._factors = {task.name: 1.0 if task.is_classification else 0.5 for task in tasks}
        super().__init__(lambda _: KendallTotal([self._factor(name) for name in self.tasks]))

    @property
    def log_variances(self) -> dict[str, float]:
        """The s = log σ² of each task, as learned so far."""
        return dict(zip(self.tasks, self.scalarizer.log_variances.tolist(), strict=True))  # type: ignore[operator]

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        new = {name: loss for name, loss in losses.items() if name not in self._last}
        if new and self._start == "first losses":
            check_positive_losses("uncertainty weighting that starts at the first losses", new)
            with torch.no_grad():
                for name, loss in new.items():
                    self.scalarizer.log_variances[self.tasks.index(name)] = torch.log(2 * self._factor(name) * loss)  # type: ignore[operator]
        check_positive_losses("uncertainty weighting", losses, zero=True)
        return super().backward(losses, model)

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
