"""Comparing methods over several seeds: every run as a dot, the mean with its 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from mtl_utils.measures.intervals import mean_interval
from mtl_utils.plotting.axes import axes_or_new, tidy
from mtl_utils.plotting.colors import task_colors

if TYPE_CHECKING:
    import pandas as pd

# For each method, for each task, one number per seed.
Results = Mapping[str, Mapping[str, Sequence[float]]]


def plot_comparison(
    results: Results | pd.DataFrame,
    ax: Axes | None = None,
    *,
    label: str | None = None,
    title: str = "",
    names: Mapping[str, str] | None = None,
    split: str = "test",
    column: str = "metric",
) -> Axes:
    """Methods below each other; for each task a dot per seed, and the mean with its 95 % interval.

    Args:
        results: for each method, for each task, one number per seed (three or more for an interval); or the table that
            `experiments.compare` returns. Of a table, shares such as accuracies are shown in percent.
        ax: where to draw.
        label: what the numbers are; by default the name of the table's metric, or the test accuracy.
        title: text above.
        names: other names for some methods, such as `{"single": "one network per task"}`.
        split, column: of a table, which split and which column to show: `metric` or `loss`.

    Raises:
        ValueError: if a table has no runs on this split.

    Example:
        >>> ax = plot_comparison({'single': {'left': [0.90, 0.91, 0.92]}, 'shared': {'left': [0.91, 0.93, 0.92]}})
        >>> ax.get_xlabel(), [label.get_text() for label in ax.get_yticklabels()]
        ('test accuracy (%); bars: 95 % interval of the mean', ['single', 'shared'])
    """
    names = names or {}
    if not isinstance(results, Mapping):
        label = label if label is not None else _label_of(results, split, column)
        results = _by_method(results, split, column)
    results = {names.get(name, name): by_task for name, by_task in results.items()}
    label = label if label is not None else "test accuracy (%)"
    tasks = list(dict.fromkeys(name for by_task in results.values() for name in by_task))
    ax = tidy(axes_or_new(ax, size=(6.4, 0.7 + 0.34 * len(results) * max(len(tasks), 1))))
    colors = task_colors(tasks)
    height = 0.7 / max(len(tasks), 1)
    for row, by_task in enumerate(results.values()):
        for offset, name in enumerate(tasks):
            values = list(by_task.get(name, ()))
            if not values:
                continue
            y = row + (offset - (len(tasks) - 1) / 2) * height
            ax.plot(values, np.full(len(values), y), "o", color=colors[name], alpha=0.45, ms=5.5, mew=0)
            if len(values) == 2:  # two numbers have a mean, but an interval wider than any picture
                ax.plot(sum(values) / 2, y, "|", color=colors[name], ms=12, mew=2)
            elif len(values) > 2:
                mean, half_width = mean_interval(values)
                ax.errorbar(mean, y, xerr=half_width, fmt="|", color=colors[name], capsize=3, ms=9, mew=2, lw=1.4)
    for name in tasks:
        ax.plot([], [], "o", color=colors[name], label=name)
    ax.set_yticks(range(len(results)), list(results))
    ax.set_ylim(len(results) - 0.45, -0.55)
    ax.set(xlabel=f"{label}; bars: 95 % interval of the mean", title=title)
    if len(tasks) > 1:
        ax.legend(frameon=False, fontsize=8, loc="best")
    return ax


_SHARES = ("accuracy", "mean IoU")  # metrics from 0 to 1, shown in percent


def _in_percent(table: pd.DataFrame, column: str) -> bool:
    return column == "metric" and bool(table["measure"].isin(_SHARES).all())


def _label_of(table: pd.DataFrame, split: str, column: str) -> str:
    rows = table[table["split"] == split]
    what = " and ".join(dict.fromkeys(rows["measure"])) if column == "metric" else column
    return f"{split} {what}" + (" (%)" if _in_percent(rows, column) else "")


def _by_method(table: pd.DataFrame, split: str, column: str) -> dict[str, dict[str, list[float]]]:
    rows = table[table["split"] == split]
    if rows.empty:
        raise ValueError(f"the table has no runs on the split '{split}'; it has {sorted(table['split'].unique())}")
    scale = 100.0 if _in_percent(rows, column) else 1.0
    results: dict[str, dict[str, list[float]]] = {}
    for way, task, value in zip(rows["way"], rows["task"], rows[column].astype(float), strict=True):
        results.setdefault(way, {}).setdefault(task, []).append(scale * value)
    return results


def plot_spread(
    values: Mapping[str, Mapping[float, Sequence[float]]],
    ax: Axes | None = None,
    *,
    colors: Mapping[str, str] | None = None,
    label: str = "",
    across: str = "",
    title: str = "",
) -> Axes:
    """Lines over a quantity that varies: the mean over seeds, in a band from the lowest to the highest seed.

    Args:
        values: for each line, for each place on the horizontal axis, one number per seed.
        ax: where to draw.
        colors: of the lines; by default they are taken for tasks.
        label: vertical axis.
        across: horizontal axis.
        title: text above.

    Example:
        >>> ax = plot_spread({'left': {100: [0.70, 0.74], 1000: [0.90, 0.92]}}, label='accuracy', across='images')
        >>> ax.lines[0].get_ydata().round(2).tolist()  # means over the seeds
        [0.72, 0.91]
    """
    ax = tidy(axes_or_new(ax))
    colors = colors if colors is not None else task_colors(list(values))
    for name, line in values.items():
        places = list(line)
        means = [float(np.mean(line[place])) for place in places]
        ax.plot(places, means, "o-", color=colors[name], ms=4, label=name)
        ax.fill_between(
            places, [min(line[p]) for p in places], [max(line[p]) for p in places], color=colors[name], alpha=0.15, lw=0
        )
    ax.set(xlabel=across, ylabel=label, title=title)
    ax.legend(frameon=False, fontsize=8)
    return ax
