"""What methods that take logarithms of losses, or learn a scale for them, ask for."""

from __future__ import annotations

from mtl_utils.balancing.balancer import Losses


def check_positive_losses(method: str, losses: Losses, *, zero: bool = False) -> None:
    """Raise a `ValueError` that names the task, if a loss is negative, or zero where that is not allowed."""
    for name, loss in losses.items():
        value = loss.item()
        if not (value > 0 or (zero and value == 0)):
            raise ValueError(
                f"{method} needs losses {'of zero or more' if zero else 'above zero'}, and the loss of task '{name}' is "
                f"{value:.4g}: shift it, clip it, or choose another balancer"
            )
