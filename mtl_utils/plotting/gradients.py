"""Pictures of what gradient methods do: paths through the two valleys, and colors for the methods."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from torch import Tensor

from mtl_utils.plotting.axes import axes_or_new, tidy
from mtl_utils.plotting.colors import BLACK, BLUE, GRAY, GREEN, ORANGE, PURPLE, SKY, VERMILLION

# Beside Okabe & Ito's colors, two of Paul Tol's, who chose them to go with others.
_METHODS = {
    "sum": BLACK,
    "PCGrad": PURPLE,
    "MGDA": GREEN,
    "CAGrad": ORANGE,
    "UPGrad": "#882255",
    "Nash-MTL": SKY,
    "IMTL-G": "#332288",
    "Aligned-MTL": BLUE,
    "FAMO": VERMILLION,
}


def method_color(name: str) -> str:
    """The color of a method for combining gradients, the same in every figure; gray for one that has none.

    Example:
        >>> method_color('PCGrad') != method_color('MGDA')
        True
    """
    return _METHODS.get(name, GRAY)


def plot_valleys(ax: Axes | None = None) -> Axes:
    """The plane of the two valleys: contours of the mean of both losses, and the Pareto set as a thick gray line.

    Example:
        >>> plot_valleys().get_xlabel()
        '$x_1$'
    """
    import torch

    from mtl_utils.problems import TwoValleys

    ax = tidy(axes_or_new(ax, size=(4.2, 4.2)))
    along = torch.linspace(-11, 11, 221)
    x = torch.stack(torch.meshgrid(along, along, indexing="xy"), -1)
    mean = sum(TwoValleys.losses(x).values()) / 2
    ax.contour(along, along, mean, levels=14, colors="#8c8c8c", linewidths=0.6, linestyles="solid")
    ax.plot(*TwoValleys.pareto_set().T, color=GRAY, linewidth=6, alpha=0.8, solid_capstyle="round")
    ax.set(xlim=(-11, 11), ylim=(-11, 11), xlabel="$x_1$", aspect="equal")
    ax.grid(False)
    return ax


def plot_paths(points: Tensor, ax: Axes | None = None, *, color: str = BLACK) -> list[Line2D]:
    """Paths `[starts, K, 2]` in a plane: a line each, a ring where it starts and a dot where it ends; returns these lines.

    Example:
        >>> from mtl_utils import problems
        >>> from mtl_utils.balancing import two_tasks
        >>> paths = problems.follow({'PCGrad': two_tasks.two_task_pcgrad}, starts=[(-8.5, 7.5), (9.0, 9.0)], steps=10)
        >>> len(plot_paths(paths['PCGrad'], color=method_color('PCGrad')))  # two lines, their starts and their ends
        4
    """
    ax = axes_or_new(ax, size=(4.2, 4.2))
    lines = []
    for path in points:
        lines += ax.plot(*path.T, color=color, linewidth=1.3)
    lines += ax.plot(*points[:, 0].T, "o", color="white", markeredgecolor=color, markersize=7)
    lines += ax.plot(*points[:, -1].T, "o", color=color, markeredgecolor="white", markersize=9)
    return lines
