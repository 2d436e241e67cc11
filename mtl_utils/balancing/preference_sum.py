"""The weighted sum whose weights are the preference that a steerable model has drawn for this step."""

from __future__ import annotations

from torch import nn

from mtl_utils.balancing.balancer import Balancer, Losses, Weights


class PreferenceSum(Balancer):
    """L = Σ α_i·L_i, with α the `preference` that the model drew in this step's forward pass; see `models.ParetoManifold`."""

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        preference: Weights | None = getattr(model, "preference", None)
        if not isinstance(preference, dict):
            raise ValueError(
                f"PreferenceSum trains steerable models such as models.ParetoManifold; {type(model).__name__} has no preference"
            )
        total = sum(preference[name] * loss for name, loss in losses.items())
        total.backward()  # type: ignore[union-attr]
        return {name: preference[name] for name in losses}
