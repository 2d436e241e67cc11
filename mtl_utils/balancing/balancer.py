"""What a balancer is: it turns the losses of T tasks into gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from torch import Tensor, nn

# Losses of the tasks that have labels in this batch, each a scalar with its graph.
Losses = dict[str, Tensor]
Weights = dict[str, float]


class Balancer(ABC):
    """Given one loss per task, leaves gradients in `.grad` and returns the weights that it effectively used.

    The training loop calls `prepare` and `attach` once, then for each step `backward` (and `after_step`), `after_epoch` at the
    end of each pass over the data, and `detach` however the run ends. A task whose labels are all missing in a batch is absent
    from `losses`.

    Example:
        >>> class FirstTaskOnly(Balancer):
        ...     def backward(self, losses, model):
        ...         losses[self.tasks[0]].backward()
        ...         return {task: float(task == self.tasks[0]) for task in losses}
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.5, 0.0))
        >>> run = {'tasks': problem.tasks(), 'steps': 2, 'progress': False}
        >>> fit(problem, problem.batches(), balancer=FirstTaskOnly(), **run).steps[0].weights
        {'first': 1.0, 'second': 0.0}
    """

    #: Whether `after_step` wants the losses of the same batch again, once the model has changed (one more forward pass).
    needs_losses_again = False

    def prepare(self, tasks: Sequence[str]) -> None:
        """Start afresh for these tasks, forgetting any earlier run."""
        self.tasks = tuple(tasks)

    def attach(self, model: nn.Module) -> None:  # noqa: B027 (most balancers have nothing to do)
        """Called after `prepare`: a balancer that must see the model's forward passes begins to look."""

    def detach(self) -> None:  # noqa: B027
        """Called when the run is over: undoes `attach`."""

    def parameters(self) -> list[nn.Parameter]:
        """What the optimizer learns beside the model, without weight decay. Read after `prepare`."""
        return []

    @abstractmethod
    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        """Add gradients to `.grad` of the model's parameters (and of its own), and return the effective weight per task.

        The effective weight is the factor by which a task's gradient entered; `nan` where a method has no such factor.
        """

    def after_step(self, losses_again: Callable[[], Losses]) -> None:  # noqa: B027
        """Called after the optimizer's step, if `needs_losses_again`."""

    def after_epoch(self) -> None:  # noqa: B027
        """Called after each pass over the training data."""
