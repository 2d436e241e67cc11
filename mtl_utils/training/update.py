"""One update: losses of all tasks, gradients by the balancer, a step of the optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mtl_utils.balancing import Balancer
from mtl_utils.models.forward import labelled_losses
from mtl_utils.penalties import Penalty
from mtl_utils.tasks import Targets, Task
from mtl_utils.training.soundness import NonFiniteLossError, check_penalty_is_ours, checked_penalty


class Update:
    """Updates a model, a batch at a time.

    Args:
        model: what is trained.
        tasks: the tasks whose losses count.
        complete: names of tasks that have a label for every image, so that nobody needs to look.
        optimizer: of the model's parameters, and of the balancer's.
        balancer: turns losses into gradients.
        penalty: added to what the balancer descends.
    """

    def __init__(
        self,
        model: nn.Module,
        tasks: Sequence[Task],
        complete: frozenset[str],
        optimizer: Optimizer,
        balancer: Balancer,
        penalty: Callable[[nn.Module], Tensor] | None,
    ) -> None:
        self._model, self._tasks, self._complete = model, tasks, complete
        self._optimizer, self._balancer, self._penalty = optimizer, balancer, penalty
        # Listed once: walking through the modules of a small network takes a noticeable part of its step.
        self._parameters = list(model.parameters())
        self._learning = [parameter for parameter in self._parameters if parameter.requires_grad]

    def __call__(self, images: Tensor, targets: Targets, number: int) -> tuple[dict[str, float], dict[str, float]]:
        """Losses and effective weights of all tasks in step `number`; `nan` for a task without a label in this batch."""
        losses = self._losses(images, targets)
        values = dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))
        for name, value in values.items():
            # Before the weights change, so that they are still those of the last sound step. (Running means of batch norm have
            # seen this batch already; its images are finite, see `checked_batches`.)
            if not math.isfinite(value):
                raise NonFiniteLossError(
                    f"the loss of task '{name}' became {value} in step {number}{self._since_when(number)}; a smaller learning "
                    "rate or weight, or a look at the task's targets, may help"
                )
        self._optimizer.zero_grad(set_to_none=True)
        weights = self._balancer.backward(losses, self._model)
        if all(parameter.grad is None for parameter in self._learning):
            raise ValueError(
                f"{type(self._balancer).__name__} left no gradient on any parameter in step {number}; nothing is learned: "
                "its `backward` must call loss.backward(), or write to `.grad`, of this model's losses"
            )
        if self._penalty is not None:
            extra = checked_penalty(self._penalty(self._model))
            if not math.isfinite(extra.item()):
                raise NonFiniteLossError(f"the penalty became {extra.item()} in step {number}; a smaller strength may help")
            if number == 1 and not isinstance(self._penalty, Penalty):
                check_penalty_is_ours(extra, self._learning)
            torch.autograd.backward(extra)
        self._match_layout()
        self._optimizer.step()
        if self._balancer.needs_losses_again:
            self._balancer.after_step(lambda: self._losses(images, targets))
        nan = float("nan")
        return (
            {task.name: values.get(task.name, nan) for task in self._tasks},
            {task.name: weights.get(task.name, nan) for task in self._tasks},
        )

    def check_weights(self, number: int) -> None:
        """Raise a `NonFiniteLossError` if step `number` has made a weight infinite or not a number."""
        if not self._are_finite():
            raise NonFiniteLossError(
                f"the model's weights became infinite or not a number in step {number} or just before; a smaller learning rate "
                "or smaller weights of the losses may help"
            )

    def times_written(self) -> int:
        """How often the model's parameters were written to so far."""
        return sum(parameter._version for parameter in self._parameters)

    def _are_finite(self) -> bool:
        return all(bool(torch.isfinite(parameter).all()) for parameter in self._parameters)

    def _losses(self, images: Tensor, targets: Targets) -> dict[str, Tensor]:
        return labelled_losses(self._model, images, targets, self._tasks, complete=self._complete)

    def _since_when(self, number: int) -> str:
        """Words for the rarer case: the losses before were finite, but their gradients were not (as at the root of zero)."""
        if self._are_finite():
            return ""
        return f", because the gradients in step {number - 1} were not finite and spoiled the model's weights"

    def _match_layout(self) -> None:
        """Give every gradient the memory layout of its parameter.

        Backward passes do so by themselves; balancers and penalties that write gradients may not. PyTorch's fused optimizers
        on a CPU silently take the wrong elements when the two layouts differ.
        """
        for parameter in self._parameters:
            gradient = parameter.grad
            if gradient is not None and gradient.stride() != parameter.stride():
                parameter.grad = torch.empty_like(parameter).copy_(gradient)
