"""A price table as a picture: ways below each other, and a column with its own scale for each measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from mtl_utils.measures.intervals import mean_interval
from mtl_utils.plotting.axes import axes_grid, tidy
from mtl_utils.plotting.colors import BLACK


def plot_prices(
    prices: Mapping[str, Mapping[str, Sequence[float]]],
    axes: Sequence[Axes] | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    colors: Mapping[str, str] | None = None,
) -> list[Axes]:
    """For each way and measure a dot per seed, and the mean with its 95 % interval; the mean of the first way is a line.

    Args:
        prices: for each way, for each measure, one number per seed. A way may lack a measure.
        axes: one for each measure.
        labels: for each measure what is written below, such as `"AP50 →"`; its name by default.
        colors: for each measure its color; black by default.

    Example:
        >>> prices = {'box': {'AP50': [0.5, 0.6]}, 'box and mask': {'AP50': [0.6, 0.7], 'IoU': [0.4, 0.5]}}
        >>> [ax.get_xlabel() for ax in plot_prices(prices, labels={'AP50': 'AP50 →'})]
        ['AP50 →', 'IoU']
    """
    measures = list(dict.fromkeys(name for by_measure in prices.values() for name in by_measure))
    rows = list(prices)
    grid = axes_grid(axes, 1, len(measures), size=(max(1.35, 9 / len(measures)), 0.8 + 0.34 * len(rows)))
    for column, (ax, name) in enumerate(zip(grid, measures, strict=True)):
        tidy(ax)
        color = (colors or {}).get(name, BLACK)
        for row, by_measure in enumerate(prices.values()):
            values = list(by_measure.get(name, ()))
            if not values:
                continue
            ax.plot(values, np.full(len(values), row), "o", color=color, alpha=0.35, ms=4.5, mew=0)
            mean, half = mean_interval(values) if len(values) > 2 else (float(np.mean(values)), 0.0)
            ax.errorbar(mean, row, xerr=half, fmt="|", color=color, capsize=3, ms=9, mew=2, lw=1.4)
            if row == 0:
                ax.axvline(mean, color=color, lw=0.8, ls=":", zorder=0)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_yticks(range(len(rows)), rows if column == 0 else [""] * len(rows))
        ax.tick_params(labelsize=8)
        ax.set_xlabel((labels or {}).get(name, name), color=color, fontsize=9)
    return grid
