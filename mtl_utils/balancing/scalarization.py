"""Any TorchJD scalarizer (or a module of one's own that does the same) as a balancer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from mtl_utils.balancing.balancer import Balancer, Losses, Weights


class Scalarization(Balancer):
    """Combines the vector of T losses into one scalar, and descends that.

    The effective weights are the scalar's derivatives with respect to the losses. They are computed first, on the T numbers
    alone; the model then needs a single backward pass, weighted with them, which is the chain rule and changes nothing.

    A task without labels in a batch stands in with its last known loss (or the mean of the others, if it had none yet) as a
    constant: the scalarizer sees T losses every time, and no gradient of that task reaches the model.

    Args:
        make: makes the scalarizer for a number of tasks, for example `torchjd.scalarization.UW` or
            `lambda count: torchjd.scalarization.GeometricMean()`. It is made anew for each run.

    Raises:
        ValueError: in a step in which the scalarizer gives a weight that is not finite; the model is then as before the step.
    """

    def __init__(self, make: Callable[[int], nn.Module]) -> None:
        self._make = make

    def prepare(self, tasks: Sequence[str]) -> None:
        super().prepare(tasks)
        self.scalarizer = self._make(len(self.tasks))
        self._last: dict[str, Tensor] = {}

    def parameters(self) -> list[nn.Parameter]:
        return list(self.scalarizer.parameters())

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        present = torch.stack(list(losses.values()))
        self._last.update({name: loss.detach() for name, loss in losses.items()})
        neutral = present.detach().mean()
        values = torch.stack([self._last.get(name, neutral) for name in self.tasks]).requires_grad_()
        torch.autograd.backward(self.scalarizer.to(values.device)(values))
        derivative = values.grad
        assert derivative is not None
        weights = dict(zip(self.tasks, derivative.tolist(), strict=True))
        for name, weight in weights.items():
            if not math.isfinite(weight):  # before the model's gradients are touched
                raise ValueError(
                    f"{type(self.scalarizer).__name__} gave task '{name}' the weight {weight}, for the losses "
                    f"{dict(zip(self.tasks, values.tolist(), strict=True))}; a loss of zero may be the reason"
                )
        torch.autograd.backward(present, torch.stack([derivative[self.tasks.index(name)] for name in losses]))
        return {name: weights[name] for name in losses}

    def after_epoch(self) -> None:
        # TorchJD's scalarizers that work by epochs (DWA) are told of an epoch's end by `step`.
        step = getattr(self.scalarizer, "step", None)
        if step is not None:
            step()
