"""The plane of two tasks: points, their Pareto front, and the staircase that bounds what they dominate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from mtl_utils.measures.pareto import pareto_front
from mtl_utils.plotting.axes import axes_or_new, tidy
from mtl_utils.plotting.colors import GRAY


def plot_front(
    points: Sequence[Sequence[float]],
    ax: Axes | None = None,
    *,
    higher_is_better: bool | Sequence[bool] = True,
    color: str = GRAY,
    label: str = "",
    marker: str = "o",
    size: float = 28,
) -> Axes:
    """Points in the plane of two tasks; full ones are on the Pareto front, hollow ones are dominated.

    Args:
        points: `[N, 2]`.
        ax: where to draw; a new figure by default.
        higher_is_better: for both tasks, or for each.
        color, label, marker, size: as matplotlib has them.

    Examples:
        >>> ax = plot_front([[0.9, 0.6], [0.8, 0.8], [0.7, 0.7]])
        >>> [len(dots.get_offsets()) for dots in ax.collections]  # two on the front, one dominated
        [2, 1]
    """
    ax = tidy(axes_or_new(ax, size=(4.6, 4.2)))
    table = np.asarray(points, dtype=float)
    if table.size and (table.ndim != 2 or table.shape[1] != 2):
        raise ValueError(f"points must come as [N, 2], one row for each, not in the shape {table.shape}: transposed, perhaps?")
    table = table.reshape(-1, 2)
    front = pareto_front(table.tolist(), higher_is_better).numpy() if len(table) else np.zeros(0, dtype=bool)
    ax.plot(*staircase(table[front], higher_is_better), color=color, linewidth=1, alpha=0.6)
    ax.scatter(table[front, 0], table[front, 1], s=size, color=color, marker=marker, label=label or None, zorder=3)
    x, y = table[~front].T
    ax.scatter(x, y, s=size * 0.7, facecolors="none", edgecolors=color, marker=marker, zorder=3)
    return ax


def staircase(front: np.ndarray, higher_is_better: bool | Sequence[bool] = True) -> tuple[np.ndarray, np.ndarray]:
    """The corners of the line that bounds what a front `[N, 2]` dominates, as x and y: sorted, with a step between points."""
    if len(front) == 0:
        return np.zeros(0), np.zeros(0)
    signs = (higher_is_better,) * 2 if isinstance(higher_is_better, bool) else tuple(higher_is_better)
    ordered = front[np.argsort(front[:, 0] if signs[0] else -front[:, 0], kind="stable")]
    x, y = ordered[:, 0], ordered[:, 1]
    # From point to point x gets better and y worse. Beyond its own x a point dominates nothing: y changes there at once.
    corners_x = np.stack([x[:-1], x[:-1]], 1).reshape(-1)
    corners_y = np.stack([y[:-1], y[1:]], 1).reshape(-1)
    return np.append(corners_x, x[-1]), np.append(corners_y, y[-1])
