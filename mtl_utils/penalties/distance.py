"""The distance between columns as a penalty: from one network per task (strength 0) to hard sharing (infinite strength)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor, nn

from mtl_utils.models.columns.base import Columns, Norm, total_distance
from mtl_utils.penalties.base import Penalty


class DistancePenalty(Penalty):
    """λ·Σ|θ_a − θ_b| (L1) or ½·λ·Σ(θ_a − θ_b)² (L2), over all pairs of columns and all corresponding weights.

    λ = 0 leaves T single-task networks. As λ grows the columns become one. `λ = math.inf` is that limit, hard sharing, exactly:
    the columns are set to their mean, and each gets the *sum* of the columns' gradients, which is the gradient of a weight that
    all tasks share. Columns that start alike then stay alike, whatever the optimizer; columns that have trained apart keep a
    difference of about one update, as long as the optimizer remembers their different pasts.

    A column with `requires_grad=False` is never written to: the others are pulled towards it, and infinitely strong they become
    it (the mean of such columns, where there are several).

    Deviation from Duong et al.: theirs is the squared L2 distance between an English parser and a second one, trained one after
    the other; here all columns move. L1 lets single weights become (almost) equal while others stay free.

    Args:
        strength: λ, zero or more; assign another number while training runs, the next step uses it.
        norm: `"L1"` or `"L2"`.

    Example:
        >>> from mtl_utils import datasets, models
        >>> columns = models.twin_columns(models.lenet, datasets.multi_mnist(60, 20, 20))
        >>> DistancePenalty(0.1)(columns).item()  # the columns start alike
        0.0
    """

    may_be_infinite = True

    def __init__(self, strength: float, norm: Norm = "L2") -> None:
        if norm not in ("L1", "L2"):
            raise ValueError(f"the norm of a distance penalty must be 'L1' or 'L2', not {norm!r}")
        super().__init__(strength)
        self.norm: Norm = norm

    def __call__(self, model: nn.Module) -> Tensor:
        if not isinstance(model, Columns):
            raise ValueError(
                f"a distance penalty needs a model with one column per task, such as twin_columns, not {type(model).__name__}"
            )
        columns = [list(column.parameters()) for column in model.columns.values()]
        if math.isinf(self.strength):
            _tie(columns)
            return _nothing(columns)
        return self._penalty(columns)

    def _penalty(self, columns: list[list[nn.Parameter]]) -> Tensor:
        total = sum((total_distance(one, two, self.norm) for one, two in combinations(columns, 2)), _nothing(columns))
        return total * (self.strength if self.norm == "L1" else self.strength / 2)


class DecoupledDistancePenalty(DistancePenalty):
    """The squared L2 penalty taken out of the gradient: each step first pulls every weight towards the columns' mean.

    θ_i ← θ̄ + (θ_i − θ̄)/(1 + η·λ·T), the exact (implicit) step of size η on ½·λ·Σ(θ_a − θ_b)²; with frozen columns θ̄ is the
    mean after the step, of which theirs are fixed. Adam divides every gradient by its usual size. A strong penalty *in* the
    gradient makes that size large, and the tasks' own gradients are then divided away: the columns stay together and hardly
    learn. What AdamW does for weight decay (Loshchilov & Hutter,
    "Decoupled weight decay regularization", ICLR 2019), this does for the distance.

    Args:
        strength: λ.
        learning_rate: η, that of the optimizer.

    Example:
        >>> from mtl_utils import datasets, models
        >>> columns = models.twin_columns(models.lenet, datasets.multi_mnist(60, 20, 20))
        >>> _ = columns.column('left').conv1[0].bias.data.add_(1)  # 10 numbers move away from those of the other column
        >>> _ = DecoupledDistancePenalty(250, learning_rate=0.002)(columns)  # η·λ·T = 1: half of the way back
        >>> round(columns.distances()['conv1'], 3)  # the root of 10·½²
        1.581
    """

    def __init__(self, strength: float, learning_rate: float) -> None:
        super().__init__(strength)
        if not 0 < learning_rate < math.inf:
            raise ValueError(f"a learning rate must be above zero and finite, not {learning_rate!r}")
        self.learning_rate = learning_rate

    def _penalty(self, columns: list[list[nn.Parameter]]) -> Tensor:
        pull = self.learning_rate * self.strength
        kept = 1 / (1 + pull * len(columns))
        with torch.no_grad():
            for corresponding in zip(*columns, strict=True):
                mean = _mean(corresponding, pull)
                for parameter in corresponding:
                    if parameter.requires_grad:
                        parameter.lerp_(mean, 1 - kept)
        return _nothing(columns)


def _nothing(columns: list[list[nn.Parameter]]) -> Tensor:
    return torch.zeros((), device=columns[0][0].device, requires_grad=True)


@torch.no_grad()
def _tie(columns: list[list[nn.Parameter]]) -> None:
    for corresponding in zip(*columns, strict=True):
        mean = _mean(corresponding, math.inf)
        held = not all(parameter.requires_grad for parameter in corresponding)
        gradients = [parameter.grad for parameter in corresponding if parameter.grad is not None]
        together = torch.stack(gradients).sum(0) if gradients and not held else None
        for parameter in corresponding:
            if parameter.requires_grad:
                parameter.copy_(mean)
                parameter.grad = None if together is None else together.clone()


def _mean(corresponding: Sequence[nn.Parameter], pull: float) -> Tensor:
    """The mean of corresponding weights after the free ones were pulled together, with strength η·λ; frozen ones stay."""
    frozen = [parameter for parameter in corresponding if not parameter.requires_grad]
    if not frozen or len(frozen) == len(corresponding):
        return torch.stack(tuple(corresponding)).mean(0)  # which the pull does not move
    held = torch.stack(tuple(frozen)).sum(0)
    if math.isinf(pull):
        return held / len(frozen)
    free = tuple(parameter for parameter in corresponding if parameter.requires_grad)
    pulled = (torch.stack(free).sum(0) + pull * len(free) * held) / (1 + pull * len(frozen))
    return (pulled + held) / len(corresponding)
