"""FAMO: weights that make every loss fall by the same share."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from mtl_utils.balancing.balancer import Losses, Weights
from mtl_utils.balancing.positive_losses import check_positive_losses
from mtl_utils.balancing.scalarization import Scalarization


class FAMO(Scalarization):
    """Liu, Feng, Stone & Liu, "FAMO: fast adaptive multitask optimization" (NeurIPS 2023); TorchJD's `FAMO`.

    Descends c·Σ z_i·log L_i with z = softmax(ξ) and c = 1/Σ(z_i/L_i), so that the effective weights c·z_i/L_i sum to 1. After
    the step the losses of the same batch are computed again; δ_i = log L_i(before) − log L_i(after) says how much each has
    fallen, and an Adam step on ξ moves weight from those that fell more to those that fell less. No gradient per task is
    needed, but one more forward pass.

    Deviations: the authors' code clips the norm of the shared parameters' gradients at 1; here nothing is clipped. A
    task without labels in a batch counts as if it had fallen as the others did on average, so that its absence alone does not
    move the weights.
    Layers that keep statistics, such as batch norm, see each batch twice.

    Args:
        learning_rate: of the internal Adam on ξ; the paper's is 0.025.
        weight_decay: of the same; draws ξ to equal weights. 1e-3 in the paper's algorithm. The
            authors' code has several defaults, 1e-5 and 0.01 among them, and 0.001 or 0.01 in its experiments.

    Examples:
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.5, 0.0))
        >>> balancer = FAMO()
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=2, balancer=balancer, progress=False)
        >>> {task: round(weight, 1) for task, weight in history.steps[0].weights.items()}
        {'first': 0.7, 'second': 0.3}
    """

    needs_losses_again = True

    def __init__(self, learning_rate: float = 0.025, weight_decay: float = 1e-3) -> None:
        for what, value in (("learning rate", learning_rate), ("weight decay", weight_decay)):
            if not 0 <= value < float("inf"):
                raise ValueError(f"FAMO's {what} must be zero or more and finite, not {value!r}")

        def make(count: int) -> nn.Module:
            from torchjd import scalarization

            return scalarization.FAMO(count, lr=learning_rate, weight_decay=weight_decay)

        super().__init__(make)

    def parameters(self) -> list[nn.Parameter]:
        return []  # ξ has an optimizer of its own, in TorchJD's object

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        check_positive_losses("FAMO", losses)
        self._weights = super().backward(losses, model)
        return self._weights

    def after_step(self, losses_again: Callable[[], Losses]) -> None:
        with torch.no_grad():
            after = losses_again()
        if not all(bool(torch.isfinite(loss)) for loss in after.values()):
            return  # the step has gone astray, and the training loop says so in the next one
        check_positive_losses("FAMO", after)
        fallen = {name: torch.log(self._last[name]) - torch.log(loss) for name, loss in after.items()}
        shares = {name: self._weights[name] * self._last[name] for name in after}  # proportional to z
        average = torch.stack([shares[name] * fallen[name] for name in after]).sum() / torch.stack(list(shares.values())).sum()
        neutral = next(iter(after.values()))
        values = [after[name] if name in after else self._last.get(name, neutral) * torch.exp(-average) for name in self.tasks]
        self.scalarizer.update(torch.stack(values))  # type: ignore[operator]
