"""GradNorm: every task's gradient gets the norm that its progress asks for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from mtl_utils.balancing.balancer import Balancer, Losses, Weights
from mtl_utils.balancing.positive_losses import check_positive_losses
from mtl_utils.models.base import MultiTaskModel

_SMALLEST_WEIGHT = 1e-3


class GradNorm(Balancer):
    """Chen, Badrinarayanan, Lee & Rabinovich, "GradNorm" (ICML 2018).

    G_i = ‖w_i·g_i‖ is the norm of task i's weighted gradient at the last layer that all tasks share, Ḡ the mean of these, and
    r_i = (L_i/L_i(0)) / (its mean over tasks) tells who is behind. After each backward pass of Σ w_i·L_i the weights take an
    Adam step down Σ |G_i − Ḡ·r_i^α|, the target Ḡ·r_i^α held constant, and are scaled to sum to T. With α = 0 all norms become
    equal; a larger α pushes those that are behind harder.

    The model's gradients are those of Σ w_i·L_i and nothing else: G_i depends on w_i only as a factor, so the derivative is
    ±‖g_i‖, and no second derivatives are needed. It costs, per task, one backward pass through its head and the last shared
    layer.

    Deviations: weights are kept above 0.001 (before they are scaled), since a step could make them negative, of which the
    paper says nothing. L_i(0) is the loss of the first batch in which task i has labels. In a batch where some tasks have none,
    the others are balanced among themselves. The norm is over all parameters of the layer, its bias included.

    Args:
        alpha: α, zero or more; the paper's are 0.12 on its toy and 1.5 on NYUv2.
        learning_rate: of the weights; the paper's is 0.025.
        layer: name of the module whose gradients are compared, such as `"encoder.conv2"`; by default the last of
            `model.parts()` that every task uses and that is not frozen.

    Example:
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.5, 0.0))
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=3, balancer=GradNorm(), progress=False)
        >>> [round(sum(step.weights.values()), 3) for step in history.steps]  # the weights sum to the number of tasks
        [2.0, 2.0, 2.0]
    """

    def __init__(self, alpha: float = 1.5, *, learning_rate: float = 0.025, layer: str | None = None) -> None:
        if not 0 <= alpha < float("inf"):
            raise ValueError(f"GradNorm's alpha must be zero or more and finite, not {alpha!r}")
        if not 0 < learning_rate < float("inf"):
            raise ValueError(f"GradNorm's learning rate must be above zero and finite, not {learning_rate!r}")
        self.alpha, self.learning_rate, self.layer = alpha, learning_rate, layer

    def prepare(self, tasks: Sequence[str]) -> None:
        super().prepare(tasks)
        # A parameter for each task, since Adam leaves alone what has no gradient: a task without labels in the batch.
        self._weights = {name: nn.Parameter(torch.ones(())) for name in self.tasks}
        self._optimizer = torch.optim.Adam(self._weights.values(), lr=self.learning_rate, foreach=False)
        self._first: dict[str, float] = {}

    @property
    def weights(self) -> Weights:
        """The weights that the next step will use; they sum to the number of tasks."""
        return {name: weight.item() for name, weight in self._weights.items()}

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        check_positive_losses("GradNorm", losses)
        used = {name: self._weights[name].item() for name in losses}
        for name, loss in losses.items():
            self._first.setdefault(name, loss.item())
        norms = {} if len(losses) == 1 else self._norms(losses, model)
        torch.stack([used[name] * loss for name, loss in losses.items()]).sum().backward()  # type: ignore[no-untyped-call]
        if norms:
            self._update_weights({name: loss.item() for name, loss in losses.items()}, norms)
        return used

    def _norms(self, losses: Losses, model: nn.Module) -> dict[str, float]:
        """‖g_i‖, the norm of each task's unweighted gradient at the last shared layer."""
        layer = self._last_shared_layer(model)
        parameters = [parameter for parameter in layer.parameters() if parameter.requires_grad]
        norms = {}
        for name, loss in losses.items():
            gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
            if all(gradient is None for gradient in gradients):
                raise ValueError(
                    f"GradNorm: the loss of task '{name}' does not depend on the layer '{self.layer or type(layer).__name__}'; "
                    "choose one that all tasks share, such as the last stage of the encoder"
                )
            norms[name] = sum(float(gradient.square().sum()) for gradient in gradients if gradient is not None) ** 0.5
        return norms

    def _update_weights(self, losses: dict[str, float], norms: dict[str, float]) -> None:
        """One step down Σ |w_i·‖g_i‖ − target_i| for the tasks of this batch, then Σ w = T."""
        targets = self._targets(losses, norms)
        self._optimizer.zero_grad(set_to_none=True)
        for name, norm in norms.items():
            weight = self._weights[name]
            weight.grad = norm * torch.sign(weight.detach() * norm - targets[name])
        self._optimizer.step()
        with torch.no_grad():
            for weight in self._weights.values():
                weight.clamp_(min=_SMALLEST_WEIGHT)
            total = sum(self.weights.values())
            for weight in self._weights.values():
                weight.mul_(len(self.tasks) / total)

    def _targets(self, losses: dict[str, float], norms: dict[str, float]) -> dict[str, float]:
        """Ḡ·r_i^α."""
        mean_norm = sum(self._weights[name].item() * norm for name, norm in norms.items()) / len(norms)
        ratios = {name: loss / self._first[name] for name, loss in losses.items()}
        mean_ratio = sum(ratios.values()) / len(ratios)
        return {name: mean_norm * (ratio / mean_ratio) ** self.alpha for name, ratio in ratios.items()}

    def _last_shared_layer(self, model: nn.Module) -> nn.Module:
        if self.layer is not None:
            try:
                layer = model.get_submodule(self.layer)
            except AttributeError:
                known = [name for name, module in model.named_modules() if name and list(module.parameters())]
                raise ValueError(f"GradNorm: the model has no layer '{self.layer}'; it has {', '.join(known)}") from None
            if not _learns(layer):
                raise ValueError(f"GradNorm: the layer '{self.layer}' has no parameters that learn, so no gradients either")
            return layer
        if not isinstance(model, MultiTaskModel):
            raise ValueError(
                f"GradNorm compares gradients at the last shared layer, and {type(model).__name__} does not say which that is: "
                'name it in `layer=`, such as GradNorm(layer="encoder.conv2")'
            )
        shared = [part.module for part in model.parts() if set(self.tasks) <= set(part.tasks) and _learns(part.module)]
        if not shared:
            raise ValueError(
                f"GradNorm compares gradients at the last shared layer, and no part of this {type(model).__name__} that "
                "learns is shared by all tasks: name a layer in `layer=`, or choose a balancer that needs losses only"
            )
        return shared[-1]


def _learns(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())
