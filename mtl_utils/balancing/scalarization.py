"""Any TorchJD scalarizer (or a module of one's own) as a balancer, and four that are no more than that."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from mtl_utils.balancing.balancer import Balancer, Losses, Weights
from mtl_utils.balancing.positive_losses import check_positive_losses


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

    Example:
        >>> from mtl_utils import fit, problems
        >>> class Largest(nn.Module):
        ...     def forward(self, losses):
        ...         return losses.max()
        >>> problem, balancer = problems.ConcaveFront((0.5, 0.0)), Scalarization(lambda count: Largest())
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=1, balancer=balancer, progress=False)
        >>> history.steps[0].weights  # the larger loss alone counts
        {'first': 0.0, 'second': 1.0}
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


class RandomWeighting(Scalarization):
    """RLW, of Lin, Ye, Zhang & Tsang, "Reasonable effectiveness of random weighting" (TMLR 2022); TorchJD's `Random`.

    In every step w = softmax(z) with z_i drawn from N(0, 1), so each weight is 1/T on average. Whoever proposes a cleverer
    method has to beat this one.

    Deviation: none; the weights sum to 1, as in the paper, where most other methods' sum to T. They are drawn from the run's
    own random state, so a run's seed decides them.

    Example:
        >>> from mtl_utils import fit, problems
        >>> problem, balancer = problems.ConcaveFront((0.5, 0.0)), RandomWeighting()
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=2, balancer=balancer, progress=False)
        >>> [round(sum(step.weights.values()), 3) for step in history.steps]
        [1.0, 1.0]
    """

    def __init__(self) -> None:
        def make(_: int) -> nn.Module:
            from torchjd.scalarization import Random

            return Random()

        super().__init__(make)


class GeometricMean(Scalarization):
    """GLS, of Chennupati et al., "MultiNet++" (CVPR workshops 2019); TorchJD's `GeometricMean`.

    The total is (∏ L_i)^(1/T) = exp(mean of log L_i). Its derivative, the effective weight, is GLS/(T·L_i): the smaller a loss,
    the larger its weight. Multiplying one loss by c multiplies all *weighted* losses by c^(1/T), so that it only changes the
    step size, and with Adam nothing at all.

    Deviation: none. A loss of zero or less raises an error that names the task.

    Examples:
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.5, 0.0))
        >>> balancer = GeometricMean()
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=2, balancer=balancer, progress=False)
        >>> {task: round(weight, 1) for task, weight in history.steps[0].weights.items()}
        {'first': 0.7, 'second': 0.3}
    """

    def __init__(self) -> None:
        def make(_: int) -> nn.Module:
            from torchjd.scalarization import GeometricMean as Mean

            return Mean()

        super().__init__(make)

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        check_positive_losses("the geometric mean", losses)
        return super().backward(losses, model)


class DynamicWeightAverage(Scalarization):
    """DWA, of Liu, Johns & Davison, "End-to-end multi-task learning with attention" (CVPR 2019); TorchJD's `DWA`.

    In epoch t the weights are w_i = T·softmax(r_i/τ) with r_i = L_i(t−1)/L_i(t−2), the losses averaged over whole epochs. A
    loss that fell little has a ratio near 1 (or above) and gets more weight. In the first two epochs every weight is 1. The
    size of a loss cancels in its ratio, so DWA does nothing about different scales; and with τ = 2 it hardly leaves w = 1.

    Deviation: none. A task without labels in a batch counts there with its last known loss. A loss that is zero over an
    epoch has no ratio, and raises an error.

    Args:
        temperature: τ, above zero; the paper's is 2. A higher one makes the weights more equal.

    Examples:
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.5, 0.0))
        >>> balancer = DynamicWeightAverage()
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=2, balancer=balancer, progress=False)
        >>> {task: round(weight, 1) for task, weight in history.steps[0].weights.items()}
        {'first': 1.0, 'second': 1.0}
    """

    def __init__(self, temperature: float = 2.0) -> None:
        if not 0 < temperature < float("inf"):
            raise ValueError(f"DWA's temperature must be above zero and finite, not {temperature!r}")

        def make(_: int) -> nn.Module:
            from torchjd.scalarization import DWA  # TorchJD costs a second to import

            return DWA(temperature)

        super().__init__(make)


class IMTLL(Scalarization):
    """IMTL-L, of Liu et al., "Towards impartial multi-task learning" (ICLR 2021); TorchJD's `IMTLL`.

    The total is Σ (e^(s_i)·L_i − s_i) with learned s_i, which start at 0. Where the derivative with respect to s_i is zero,
    e^(s_i) = 1/L_i: every scaled loss is 1. It is twice the uncertainty weighting with factor ½ for all tasks, with −s in place
    of s: the same optimum, and Adam takes the same steps.

    Deviation: the paper adds to this its gradient-level part IMTL-G, which is TorchJD's `IMTLG` aggregator; this is the
    loss-level part alone. The s_i join the model's optimizer, without weight decay. A negative loss, whose scale would grow
    without bound, raises an error that names the task.

    Example:
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.5, 0.0))
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=2, balancer=IMTLL(), progress=False)
        >>> history.steps[0].weights  # e^0; the scales are learned from here on
        {'first': 1.0, 'second': 1.0}
    """

    def __init__(self) -> None:
        def make(count: int) -> nn.Module:
            from torchjd import scalarization

            return scalarization.IMTLL(count)

        super().__init__(make)

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        check_positive_losses("IMTL-L", losses, zero=True)
        return super().backward(losses, model)
