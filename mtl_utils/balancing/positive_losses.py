"""What methods that take logarithms or ratios of losses ask for."""

from __future__ import annotations

from mtl_utils.balancing.balancer import Losses


def check_positive_losses(method: str, losses: Losses) -> None:
    """Raise a `ValueError` that names the task, if a loss is zero or negative."""
    for name, loss in losses.items():
        if not loss.item() > 0:
            raise ValueError(
                f"{method} needs losses above zero, and the loss of task '{name}' is {loss.item():.4g}: shift it, clip it, or "
                "choose another balancer"
            )
