"""The right half of the live picture: the plane of two tasks, with the path of this run, earlier runs and a sweep."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mtl_utils.evaluation import Evaluation
from mtl_utils.experiments.sweep import SweepPoint
from mtl_utils.lab.views.former_run import FormerRun
from mtl_utils.lab.views.scales import label_of_axis, percent_ticks, plain_ticks, round_down, round_up
from mtl_utils.measures.pareto import pareto_front
from mtl_utils.plotting.axes import tidy
from mtl_utils.plotting.colors import BLACK, GRAY, text_color
from mtl_utils.plotting.pareto import staircase
from mtl_utils.tasks import Task
from mtl_utils.training.history import History

_PATH = "#CC3311"


class Plane:
    """One task along each axis, metric or loss; better is always up and to the right.

    Args:
        ax: where to draw.
        tasks: all tasks.
        colors: one for each task.
        sweep: runs with constant weights, made beforehand, shown in gray.
    """

    def __init__(self, ax: Axes, tasks: Sequence[Task], colors: dict[str, str], sweep: Sequence[SweepPoint]) -> None:
        self._ax, self._colors, self._sweep = tidy(ax), colors, sweep
        self._tasks = {task.name: task for task in tasks}
        names = list(self._tasks)
        self._x, self._y, self._what = names[0], names[1], "metric"
        (self._sweep_line,) = ax.plot([], [], color=GRAY, linewidth=1)
        (self._sweep_points,) = ax.plot([], [], "o", color=GRAY, markersize=4.5, label="sweep, one training each")
        (self._front_line,) = ax.plot([], [], color=BLACK, linewidth=1.2)
        (self._kept,) = ax.plot([], [], "D", color=BLACK, markersize=6, label="earlier runs")
        (self._path,) = ax.plot([], [], "-", color=_PATH, linewidth=1.4, marker=".", markersize=5, label="this run")
        (self._now,) = ax.plot([], [], "o", color=_PATH, markersize=11, markeredgecolor="white", markeredgewidth=1.5)
        self._former: list[tuple[FormerRun, Line2D]] = []
        self._told: Hashable = None

    @property
    def moving(self) -> list[Artist]:
        """What changes from picture to picture."""
        return [self._front_line, self._kept, self._path, self._now]

    def set_former(self, runs: Sequence[FormerRun]) -> None:
        """Show the paths of these runs, thin, and of no others."""
        for _, line in self._former:
            line.remove()
        self._former = [
            (run, self._ax.plot([], [], color=GRAY, lw=1.2, ls=run.dashes, zorder=1.5, label=run.name)[0]) for run in runs
        ]

    def choose(self, x: str, y: str, what: str) -> None:
        """Which tasks are along the axes, and whether by `metric` or by `loss`."""
        self._x, self._y, self._what = x, y, what

    def update(self, history: History, kept: Sequence[SweepPoint]) -> Hashable:
        """Show a run's path and the earlier runs' ends; returns what identifies the axes."""
        path = self._points([step.validation for step in history.validations if step.validation is not None])
        ends, sweep = (self._points([point.evaluation for point in points]) for points in (kept, self._sweep))
        better = (self._better(self._x), self._better(self._y))
        self._path.set_data(*path.T)
        self._now.set_data(*path[-1:].T)
        self._kept.set_data(*ends.T)
        self._sweep_points.set_data(*sweep.T)
        for line, points in ((self._front_line, ends), (self._sweep_line, sweep)):
            front = points[pareto_front(points.tolist(), better).numpy()] if len(points) else points
            line.set_data(*staircase(front, better))
        for run, line in self._former:
            line.set_data(*self._points([step.validation for step in run.history.steps if step.validation is not None]).T)
        shown = np.concatenate([ends, sweep]) if len(sweep) else np.concatenate([ends, path])
        scene: list[Hashable] = [self._x, self._y, self._what]
        for place, (axis, name) in enumerate((("x", self._x), ("y", self._y))):
            values = shown[:, place]
            if len(sweep) and len(path):  # a run that gets beyond the sweep must not leave the picture
                values = np.append(values, path[:, place].max() if better[place] else path[:, place].min())
            scene.append(self._set_axis(axis, name, values))
        told = (bool(self._sweep), bool(len(ends)), bool(len(path)), *(id(run.history) for run, _ in self._former))
        self._legend(told)
        return (*scene, told)

    def _legend(self, told: tuple[Hashable, ...]) -> None:
        """Names of what is there, and of nothing else."""
        if told == self._told:
            return
        self._told = told
        shown = [line for line, is_there in zip((self._sweep_points, self._kept, self._path), told, strict=False) if is_there]
        if (former := self._ax.get_legend()) is not None:
            former.remove()
        if shown:
            lines = [*shown, *(line for _, line in self._former)]
            self._ax.legend(handles=lines, framealpha=0.85, edgecolor="none", loc="lower left", fontsize=8.5, handlelength=2.6)

    def _points(self, evaluations: Sequence[Evaluation]) -> np.ndarray:
        values = [
            [(each.metrics if self._what == "metric" else each.losses)[name] for name in (self._x, self._y)]
            for each in evaluations
        ]
        table = np.array(values, dtype=float).reshape(-1, 2)
        kept: np.ndarray = table[np.isfinite(table).all(1)]
        return kept

    def _better(self, name: str) -> bool:
        return self._what == "metric" and self._tasks[name].higher_is_better

    def _set_axis(self, axis: str, name: str, values: np.ndarray) -> Hashable:
        task, better = self._tasks[name], self._better(name)
        share = self._what == "metric" and task.metric_is_share
        if share:
            limits = self._share_limits(values)
        else:
            positive = values[values > 0]
            low, high = (positive.min(), positive.max()) if len(positive) else (0.1, 1.0)
            limits = (round_down(low / 1.1), round_up(high * 1.1))
        quantity = task.metric_name if self._what == "metric" else "loss"
        set_scale = self._ax.set_xscale if axis == "x" else self._ax.set_yscale
        set_limits = self._ax.set_xlim if axis == "x" else self._ax.set_ylim
        set_label = self._ax.set_xlabel if axis == "x" else self._ax.set_ylabel
        ticks = self._ax.xaxis if axis == "x" else self._ax.yaxis
        set_scale("linear" if share else "log")
        set_limits(*(limits if better else limits[::-1]))
        label = label_of_axis(task, quantity, higher_is_better=better)
        if axis == "y" and len(label) > 36:  # longer than the axis
            label = label.replace(f"{quantity} ", f"{quantity}\n") if not better else label.replace(": ", ":\n")
        set_label(label, color=text_color(self._colors[name]), weight="bold", fontsize=9)
        if share:
            percent_ticks(ticks)
        else:
            plain_ticks(ticks, dense=limits[1] / limits[0] < 200)
        return limits

    def _share_limits(self, values: np.ndarray) -> tuple[float, float]:
        """From 0 to 1; with a sweep only the part around it, for that is where runs end up."""
        if not self._sweep or not len(values):
            return (0.0, 1.02)
        span = max(float(values.max() - values.min()), 0.05)
        low = math.floor(20 * (float(values.min()) - 0.4 * span)) / 20
        high = math.ceil(20 * (float(values.max()) + 0.07 * span)) / 20
        return (max(low, 0.0), min(high, 1.02))
