"""Any TorchJD aggregator as a balancer: the tasks' gradients on the shared parameters are combined into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from torch import Tensor, nn

from mtl_utils.balancing.balancer import Balancer, Losses, Weights
from mtl_utils.balancing.gradients import task_gradients
from mtl_utils.models.base import MultiTaskModel

if TYPE_CHECKING:
    from torchjd.aggregation import Aggregator


class Aggregation(Balancer):
    """Shared parameters get the aggregate of the tasks' gradients; each head gets its own task's plain gradient.

    Costs one backward pass per task. The passes run one after another, which on a CPU is faster than a vectorized Jacobian.

    Args:
        make: makes the aggregator, for example `torchjd.aggregation.PCGrad` or `lambda: torchjd.aggregation.MGDA()`. It is made
            anew for each run, since some aggregators remember. Some (UPGrad, CAGrad, NashMTL) ask for packages that
            this course does not install, and say which.
    """

    def __init__(self, make: Callable[[], Aggregator]) -> None:
        self._make = make

    def prepare(self, tasks: Sequence[str]) -> None:
        super().prepare(tasks)
        self.aggregator = self._make()

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        if not isinstance(model, MultiTaskModel):
            raise ValueError(
                f"{type(self.aggregator).__name__} works on the shared parameters, and {type(model).__name__} does not say "
                "which they are: derive it from mtl_utils.models.MultiTaskModel"
            )
        # TorchJD costs a second to import, so it is imported by those who use it.
        from torchjd.aggregation import WeightedAggregator

        jacobian, shared = task_gradients(losses, model)
        weights: Tensor | None = None
        if not shared:  # one task alone, or nothing shared: there is nothing to aggregate
            return dict.fromkeys(losses, 1.0)
        if isinstance(self.aggregator, WeightedAggregator):
            weights = self.aggregator.weighting(jacobian)
            combined = weights @ jacobian
        else:
            combined = self.aggregator(jacobian)
        start = 0
        for parameter in shared:
            piece = combined[start : start + parameter.numel()].view_as(parameter)
            parameter.grad = piece.clone() if parameter.grad is None else parameter.grad + piece
            start += parameter.numel()
        values = weights.tolist() if weights is not None else [float("nan")] * len(losses)
        return dict(zip(losses, values, strict=True))


def pcgrad() -> Aggregation:
    """PCGrad (Yu et al., NeurIPS 2020), TorchJD's: gradients that conflict are projected, then summed."""
    from torchjd.aggregation import PCGrad

    return Aggregation(PCGrad)
