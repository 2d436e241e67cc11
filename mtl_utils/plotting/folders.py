"""A folder of images at a glance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import offset_copy

from mtl_utils.datasets.folders.describe import MISSING, Description
from mtl_utils.plotting.axes import axes_grid, tidy
from mtl_utils.plotting.colors import task_colors

_SHADES = {"train": 1.0, "val": 0.6, "test": 0.3}


def plot_description(description: Description, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """For each task a bar per label, in three shades for training, validation and test; missing labels are hatched gray.

    Args:
        description: from `datasets.describe`.
        axes: one for each task; a new figure by default.

    Example:
        >>> import tempfile
        >>> from mtl_utils import datasets
        >>> folder = datasets.write_example_folder(tempfile.mkdtemp(), items=20)
        >>> splits = datasets.from_table(folder, tasks=['color', 'stain'], size=32, progress=False)
        >>> [ax.get_title() for ax in plot_description(datasets.describe(splits))]
        ['color', 'stain']
    """
    tasks = list(dict.fromkeys(description.labels.index.get_level_values("task")))
    most = max(len(description.labels.loc[task]) for task in tasks)
    grid = axes_grid(axes, 1, len(tasks), size=(3.6, 0.9 + 0.3 * most))
    colors = task_colors(tasks)
    for task, ax in zip(tasks, grid, strict=False):
        table = description.labels.loc[task]
        places = np.arange(len(table))
        start = np.zeros(len(table))
        for part, shade in _SHADES.items():
            counts = table[part].to_numpy()
            bars = ax.barh(places, counts, left=start, color=colors[task], alpha=shade, label=part, height=0.7)
            start = start + counts
            for bar, label in zip(bars, table.index, strict=True):
                if label == MISSING:
                    bar.set(facecolor="#999999", edgecolor="white", hatch="///", alpha=shade)
        ax.set_yticks(places, list(table.index))
        ax.invert_yaxis()
        tidy(ax).set(xlabel="images", title=task)
    # Below the name of the axis, however high the axes are: inside, it would lie on a bar.
    below = offset_copy(grid[0].transAxes, grid[0].get_figure(root=True), y=-30, units="points")
    grid[0].legend(frameon=False, fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below)
    return grid[: len(tasks)]
