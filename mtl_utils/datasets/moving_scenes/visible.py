"""How much of a box is left when it is cut at an edge."""

from __future__ import annotations

from torch import Tensor


def visible(whole: Tensor, cut: Tensor, seen: float) -> Tensor:
    """Which boxes count: at least the share `seen` of their area is left, and they have an extent.

    Args:
        whole: boxes `[M, 4]` before they were cut.
        cut: the same boxes, cut at the edge of the image.
        seen: share, 0 to 1.

    Returns:
        `bool` `[M]`.
    """
    sides = (cut[:, 2:] - cut[:, :2]).clamp(min=0)
    left = sides.prod(1)
    return (left > 0) & (left >= seen * (whole[:, 2:] - whole[:, :2]).prod(1) * (1 - 1e-5))  # rounding loses no box
