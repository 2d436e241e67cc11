"""Parameter sharing as a picture: which parts are shared by which tasks, and how many parameters they have."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Patch

from mtl_utils.models.base import MultiTaskModel, Part
from mtl_utils.plotting.axes import axes_or_new
from mtl_utils.plotting.colors import SHARED_COLOR, task_colors


def plot_sharing(model: MultiTaskModel, ax: Axes | None = None, *, title: str = "") -> Axes:
    """Draw a model's parts from the image (left) to the outputs (right); shared ones gray, others in their task's color.

    A box is the wider the more parameters it has (by their logarithm), and says how many.

    Args:
        model: lists its parts.
        ax: where to draw.
        title: text above; by default the number of parameters in all and shared.

    Example:
        >>> from mtl_utils import datasets, models
        >>> plot_sharing(models.hard_sharing(models.lenet, datasets.multi_mnist(60, 20, 20))).get_title()
        '22,350 parameters, 21,330 of them shared'
    """
    parts = model.parts()
    levels = sorted({part.level for part in parts})
    rows = model.task_names
    columns = [_placed([part for part in parts if part.level == level], rows) for level in levels]
    lowest = min(height for placed in columns for _, _, height in placed)
    # High enough that the words in the lowest box have room.
    ax = axes_or_new(ax, size=(2.0 + 1.5 * len(levels), 0.9 + max(0.75, 0.26 / lowest) * len(rows)))
    colors = task_colors(rows)
    for column, placed in enumerate(columns):
        for part, centre, height in placed:
            _box(ax, part, column, centre, height, colors[part.tasks[0]] if len(part.tasks) == 1 else SHARED_COLOR)
    for row, name in enumerate(rows):
        ax.text(len(levels) - 0.42, row, name, color=colors[name], va="center", fontsize=10, fontweight="bold")
    ax.text(-0.55, (len(rows) - 1) / 2, "image", ha="right", va="center", fontsize=10)
    ax.set_xlim(-1.1, len(levels) + 0.2)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_axis_off()
    total = sum(part.size for part in parts)
    shared = sum(part.size for part in parts if len(part.tasks) > 1)
    ax.set_title(title or f"{total:,} parameters, {shared:,} of them shared", fontsize=10)
    if shared:
        ax.legend(handles=[Patch(color=SHARED_COLOR, alpha=0.45, label="shared")], frameon=False, fontsize=8, loc="lower left")
    return ax


def _placed(parts: list[Part], rows: tuple[str, ...]) -> list[tuple[Part, float, float]]:
    """Each part of one level with its centre and height: beside the tasks that use it, and not upon another.

    Where some parts serve only some of the tasks that another one serves, they are stacked, from the first task to the last.
    """
    if any(one.tasks != other.tasks and set(one.tasks) & set(other.tasks) for one in parts for other in parts):
        ordered = sorted(parts, key=lambda part: sum(rows.index(name) for name in part.tasks) / len(part.tasks))
        slot = len(rows) / len(parts)
        return [(part, slot * (place + 0.5) - 0.5, slot * 0.72) for place, part in enumerate(ordered)]
    placed = []
    for part in parts:
        among = [row for row, name in enumerate(rows) if name in part.tasks]
        same = [other for other in parts if other.tasks == part.tasks]
        slot = (among[-1] - among[0] + 1) / len(same)
        top = among[0] - 0.5 + slot * same.index(part)
        placed.append((part, top + slot / 2, slot * 0.72))
    return placed


def _box(ax: Axes, part: Part, column: int, centre: float, height: float, color: str) -> None:
    width = 0.34 + 0.1 * math.log10(max(part.size, 1))
    ax.add_patch(
        FancyBboxPatch(
            (column - width / 2, centre - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=color, alpha=0.45, edgecolor=color, linewidth=1.2,
        )
    )  # fmt: skip
    name = part.name.removeprefix("encoder.").split(" of ")[0]
    ax.text(column, centre, f"{name}\n{part.size:,}", ha="center", va="center", fontsize=8)
