"""Axes to draw on, and the look that all figures share."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes


def axes_or_new(ax: Axes | None, *, size: tuple[float, float] = (6.4, 3.6)) -> Axes:
    """The axes that were given, or those of a new figure of `size` inches."""
    if ax is not None:
        return ax
    _, new = plt.subplots(figsize=size, layout="constrained")
    return new


def axes_grid(axes: Sequence[Axes] | None, rows: int, columns: int, *, size: tuple[float, float]) -> list[Axes]:
    """The axes that were given, or a new figure's grid of them, row by row; each of `size` inches.

    Raises:
        ValueError: if fewer axes were given than are needed.
    """
    if axes is None:
        _, grid = plt.subplots(rows, columns, figsize=(columns * size[0], rows * size[1]), layout="constrained", squeeze=False)
        return list(grid.flat)
    flat = list(np.atleast_1d(np.asarray(axes, dtype=object)).flat)
    if len(flat) < rows * columns:
        raise ValueError(f"this figure needs {rows * columns} axes, {len(flat)} were given")
    return flat


def tidy(ax: Axes) -> Axes:
    """Less ink: no box on the upper and right side, a faint grid behind."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)
    return ax
