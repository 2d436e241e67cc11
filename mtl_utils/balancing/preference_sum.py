"""The weighted sum whose weights are the preference that a steerable model has drawn for this step."""

from __future__ import annotations

from torch import nn

from mtl_utils.balancing.balancer import Balancer, Losses, Weights


class PreferenceSum(Balancer):
    """L = Σ α_i·L_i, with α the `preference` that the model drew in this step's forward pass; see `models.ParetoManifold`.

    Example:
        >>> from mtl_utils import datasets, fit, models
        >>> pairs = datasets.multi_mnist(60, 20, 20)
        >>> model = models.pareto_manifold(lambda seed: models.hard_sharing(models.lenet, pairs, seed=seed))
        >>> history = fit(model, pairs.train, steps=2, balancer=PreferenceSum(), progress=False)
        >>> [round(sum(step.weights.values()), 3) for step in history.steps]  # a new preference in every step
        [1.0, 1.0]
    """

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        preference: Weights | None = getattr(model, "preference", None)
        if not isinstance(preference, dict):
            raise ValueError(
                f"PreferenceSum trains steerable models such as models.ParetoManifold; {type(model).__name__} has no preference"
            )
        total = sum(preference[name] * loss for name, loss in losses.items())
        total.backward()  # type: ignore[union-attr]
        return {name: preference[name] for name in losses}
