"""What happened in a training run, over time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from mtl_utils.plotting.axes import axes_grid, axes_or_new, tidy
from mtl_utils.plotting.colors import task_colors
from mtl_utils.training.history import History


def plot_history(history: History, axes: Sequence[Axes] | None = None, *, title: str = "") -> list[Axes]:
    """Losses (training thin, validation as dots) and, beside them, the validation metric of every task.

    Args:
        history: the record of a run.
        axes: two axes, for losses and for metrics; a new figure by default.
        title: text above both.

    Returns:
        The two axes.

    Example:
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.5, 0.0))
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=5, progress=False)
        >>> losses, metrics = plot_history(history)
        >>> losses.get_xlabel()
        'step'
    """
    grid = axes_grid(axes, 1, 2, size=(4.4, 3.0))
    losses, metrics = grid[:2]
    colors = task_colors(history.tasks)
    numbers = [step.number for step in history.steps]
    for name, color in colors.items():
        losses.plot(numbers, smoothed([step.losses[name] for step in history.steps]), color=color, linewidth=1, label=name)
        if history.validations:
            when = [step.number for step in history.validations]
            losses.plot(
                when, [_validated(step, "losses", name) for step in history.validations], "o--", color=color, ms=4, lw=0.8
            )
            metrics.plot(
                when, [_validated(step, "metrics", name) for step in history.validations], "o-", color=color, ms=4, label=name
            )
    if history.best_step is not None:
        metrics.axvline(history.best_step, color="#777777", linewidth=0.8, linestyle=":")
    losses.set(xlabel="step", ylabel="loss (line: training, dots: validation)", title=title)
    metrics.set(xlabel="step", ylabel="metric on validation", title="dotted: weights kept" if history.best_step else "")
    for ax in (losses, metrics):
        tidy(ax)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=False, fontsize=8)
    return grid[:2]


def plot_weights(history: History, ax: Axes | None = None, *, title: str = "") -> Axes:
    """The effective weight of each task over the steps of a run.

    Example:
        >>> from mtl_utils import balancing, fit, problems
        >>> problem, balancer = problems.ConcaveFront((0.5, 0.0)), balancing.GradNorm()
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=3, balancer=balancer, progress=False)
        >>> len(plot_weights(history).lines)  # one for each task
        2
    """
    ax = tidy(axes_or_new(ax))
    numbers = [step.number for step in history.steps]
    for name, color in task_colors(history.tasks).items():
        ax.plot(numbers, [step.weights[name] for step in history.steps], color=color, linewidth=1, label=name)
    ax.set(xlabel="step", ylabel="effective weight", title=title)
    ax.legend(frameon=False, fontsize=8)
    return ax


class MovingAverage:
    """Exponential moving average, corrected for its start; missing values (`nan`) are passed over.

    Args:
        memory: share of the past, 0 to below 1.
    """

    def __init__(self, memory: float = 0.9) -> None:
        self._memory, self._sum, self._weight = memory, 0.0, 0.0

    def add(self, value: float) -> float:
        """Take in one more value; returns the average so far, `nan` as long as there is no value."""
        if not math.isnan(value):
            self._sum = self._memory * self._sum + (1 - self._memory) * value
            self._weight = self._memory * self._weight + (1 - self._memory)
        return self._sum / self._weight if self._weight else math.nan


def smoothed(values: Sequence[float], *, memory: float = 0.9) -> np.ndarray:
    """The `MovingAverage` of values so far, as many as there are values (one per step).

    Example:
        >>> smoothed([1.0, 0.0], memory=0.5).round(2).tolist()  # the weights of 1 and 0 are ½ and 1
        [1.0, 0.33]
    """
    average = MovingAverage(memory)
    return np.array([average.add(value) for value in values])


def _validated(step: object, what: str, name: str) -> float:
    return float(getattr(step.validation, what)[name])  # type: ignore[attr-defined]
