"""Any TorchJD aggregator as a balancer: the tasks' gradients on what they share are combined into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mtl_utils.balancing.balancer import Balancer, Losses, Weights
from mtl_utils.balancing.gradients import feature_gradients, shared_and_own_parameters, task_gradients
from mtl_utils.models.base import MultiTaskModel

if TYPE_CHECKING:
    from torchjd.aggregation import Aggregator

Level = Literal["parameters", "features"]


class Aggregation(Balancer):
    """What the tasks share gets the aggregate of their gradients; each head gets its own task's plain gradient.

    At the level of `parameters`, as the papers have it, this costs one backward pass per task. The passes run one after
    another, which on a CPU is faster than a vectorized Jacobian. At the level of `features` the gradients on the output of the
    encoder are combined, batch dimension included, and one backward pass carries the aggregate through the encoder: it costs
    almost nothing at any number of tasks, and it is a different method, since gradients that conflict on the features need not
    conflict on the parameters, and the other way round.

    There is one forward pass in either case, hence one dropout mask for all tasks, and batch norm counts a batch once.

    A task without labels in a batch contributes no row. Aggregators that remember earlier batches have a memory for each set of
    tasks that came together. A batch with labels for one task alone gives that task's plain gradient.

    Args:
        make: makes the aggregator for a number of tasks, for example `lambda count: torchjd.aggregation.Krum(1)` or
            `lambda count: torchjd.aggregation.NashMTL(count)`. It is made anew for each run, since some aggregators remember.
            The course's own are ready-made: `pcgrad()`, `mgda()`, `cagrad()`, …
        level: what the gradients are taken with respect to.
        any_scale: for methods whose weights do not depend on a common factor of the gradients: the aggregator sees the Jacobian
            scaled to length 1. TorchJD's CAGrad and UPGrad take gradients shorter than 0.01 for zero; so they do not.

    Raises:
        ValueError: for a run with one task; for a model that does not say what is shared, or shares nothing (for `features`:
            that does not have one encoder); in a step in which a task's gradient is not finite, or all of them are zero. The
            model's weights are then as before the step.

    Example:
        >>> from torchjd.aggregation import Mean
        >>> mean, weights = Aggregation(lambda count: Mean()).aggregate(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
        >>> mean.tolist(), weights.tolist()
        ([1.0, 0.5], [0.5, 0.5])
    """

    def __init__(self, make: Callable[[int], Aggregator], *, level: Level = "parameters", any_scale: bool = False) -> None:
        if level not in ("parameters", "features"):
            raise ValueError(f"level= must be 'parameters' or 'features', not {level!r}")
        if not callable(make):
            raise ValueError(f"make= takes a function from a number of tasks to an aggregator, not {make!r}")
        self.level, self._make, self._any_scale = level, make, any_scale
        self._hook: RemovableHandle | None = None
        self._features: Tensor | None = None

    def prepare(self, tasks: Sequence[str]) -> None:
        super().prepare(tasks)
        self._aggregators: dict[tuple[str, ...], Aggregator] = {}
        aggregator = self._aggregator(self.tasks)
        if len(self.tasks) < 2:
            raise ValueError(
                f"{aggregator} combines the gradients of two tasks or more, and this run has only '{self.tasks[0]}': "
                "use WeightedSum(), which is also the default"
            )

    def attach(self, model: nn.Module) -> None:
        if self.level == "parameters":
            return
        encoder = getattr(model, "encoder", None)
        if not isinstance(model, MultiTaskModel) or not isinstance(encoder, nn.Module) or not hasattr(model, "decode"):
            raise ValueError(
                f"level='features' is for models whose heads all read the features of one encoder, such as HardSharing, and "
                f"{type(model).__name__} is not one of them: use level='parameters'"
            )

        def keep(_: nn.Module, __: object, features: Tensor) -> None:
            if torch.is_grad_enabled():
                self._features = features

        self._hook = encoder.register_forward_hook(keep)

    def detach(self) -> None:
        if self._hook is not None:
            self._hook.remove()
        self._hook = self._features = None

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        aggregator = self._aggregator(tuple(losses))
        if not isinstance(model, MultiTaskModel):
            raise ValueError(
                f"{aggregator} works on the shared parameters, and {type(model).__name__} does not say which they are: derive "
                "it from mtl_utils.models.MultiTaskModel"
            )
        shared, _ = shared_and_own_parameters(model)
        if not shared:
            raise ValueError(
                f"{aggregator} combines the tasks' gradients on shared parameters, and this {type(model).__name__} has none "
                "that learn: its tasks cannot conflict; use WeightedSum()"
            )
        if self.level == "features":
            features = self._latest_features()
            jacobian = feature_gradients(losses, features, model)
            combined, weights = self._combine(aggregator, jacobian, tuple(losses))
            torch.autograd.backward(features, combined.view_as(features), inputs=shared)
            return dict(zip(losses, weights.tolist(), strict=True))
        jacobian, shared = task_gradients(losses, model)
        combined, weights = self._combine(aggregator, jacobian, tuple(losses))
        start = 0
        for parameter in shared:
            piece = combined[start : start + parameter.numel()].view_as(parameter)
            parameter.grad = piece.clone() if parameter.grad is None else parameter.grad + piece
            start += parameter.numel()
        return dict(zip(losses, weights.tolist(), strict=True))

    def aggregate(self, jacobian: Tensor) -> tuple[Tensor, Tensor]:
        """What the method makes of gradients alone, without a model.

        Args:
            jacobian: `[T, P]`, a gradient in each row.

        Returns:
            The aggregate `[P]`, and the weight of each task in it `[T]`, `nan` where the method has none.

        Raises:
            ValueError: as for a step, and if there is no matrix with two rows or more.
        """
        if jacobian.dim() != 2:
            raise ValueError(f"gradients must come as a matrix [tasks, parameters], not {tuple(jacobian.shape)}")
        if len(getattr(self, "tasks", ())) != len(jacobian):
            self.prepare([f"task {number}" for number in range(1, len(jacobian) + 1)])
        return self._combine(self._aggregator(self.tasks), jacobian, self.tasks)

    def _aggregator(self, tasks: tuple[str, ...]) -> Aggregator:
        if tasks not in self._aggregators:
            self._aggregators[tasks] = self._make(len(tasks))
        return self._aggregators[tasks]

    def _latest_features(self) -> Tensor:
        if self._hook is None:
            raise ValueError("level='features' must see the forward pass: call balancer.attach(model) before the first one")
        if self._features is None or not self._features.requires_grad:
            raise ValueError("level='features' found no features with a graph: the losses must come from a forward pass that "
                             "was run after the last backward, with gradients on and an encoder that learns")  # fmt: skip
        features, self._features = self._features, None
        return features

    def _combine(self, aggregator: Aggregator, jacobian: Tensor, tasks: tuple[str, ...]) -> tuple[Tensor, Tensor]:
        """The aggregate, and the weight of each task in it where the method has such."""
        # TorchJD costs a second to import, so it is imported by those who use it.
        from torchjd.aggregation import WeightedAggregator

        lengths = jacobian.norm(dim=1)
        for name, length in zip(tasks, lengths.tolist(), strict=True):
            if not length < float("inf"):
                raise ValueError(
                    f"the gradient of task '{name}' on the shared {self.level} is not finite: {aggregator} cannot combine it; "
                    "a smaller learning rate may help, or a look at the task's loss (the root or the logarithm of zero?)"
                )
        scale = float(lengths.norm())
        if scale == 0:
            raise ValueError(
                f"the gradients of all tasks ({', '.join(tasks)}) on the shared {self.level} are zero, so {aggregator} has "
                "nothing to combine: is the encoder dead (all ReLUs off), or are the features detached from it?"
            )
        if len(tasks) == 1:
            return jacobian[0], jacobian.new_ones(1)
        seen = jacobian / scale if self._any_scale else jacobian
        if not isinstance(aggregator, WeightedAggregator):
            return aggregator(seen) * (scale if self._any_scale else 1.0), jacobian.new_full((len(tasks),), float("nan"))
        weights: Tensor = aggregator.weighting(seen)
        return weights @ jacobian, weights
