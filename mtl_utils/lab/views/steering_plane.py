"""The plane of two tasks with the front of a steerable model, and the point where it is now."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.figure import Figure

from mtl_utils.evaluation import Evaluation
from mtl_utils.experiments.sweep import SweepPoint
from mtl_utils.lab.views.scales import label_of_axis, percent_ticks
from mtl_utils.plotting.axes import tidy
from mtl_utils.plotting.colors import GRAY, text_color
from mtl_utils.tasks import Task

_CURVE, _NOW = "#444444", "#CC3311"


class SteeringPlane:
    """Metrics of two tasks along the axes; better is up and to the right.

    Of two tasks the second one is across: the slider's right end is all for it, and there the point is on the right.

    Args:
        figure: drawn in its left part.
        tasks: the tasks.
        colors: one for each task.
        curve: what the model reaches at positions of the slider, in order.
        sweep: runs with constant weights.
        line: whether the positions follow each other along a line.
    """

    def __init__(
        self,
        figure: Figure,
        tasks: Sequence[Task],
        colors: dict[str, str],
        curve: Sequence[Evaluation],
        sweep: Sequence[SweepPoint],
        *,
        line: bool,
    ) -> None:
        across = [tasks[1], tasks[0]] if len(tasks) == 2 else tasks[:2]
        self.across = self._names = [task.name for task in across]
        self.axes = ax = tidy(figure.add_axes((0.085, 0.12, 0.35, 0.82)))
        runs = ax.plot(*self._points([point.evaluation for point in sweep]), "o", color=GRAY, zorder=1.8)[0]
        ax.plot(*self._points(curve), ".-" if line else ".", color=_CURVE, label="steerable model, one training in all")
        (self._now,) = ax.plot([], [], "o", color=_NOW, markersize=12, markeredgecolor="white", label="where the slider is")
        for task, axis in zip(across, (ax.xaxis, ax.yaxis), strict=True):
            label = label_of_axis(task, task.metric_name, higher_is_better=task.higher_is_better)
            axis.set_label_text(label, color=text_color(colors[task.name]), weight="bold")
            if task.metric_is_share:
                percent_ticks(axis)
        # Around the model's own front: a sweep may reach much further out, and would make it tiny.
        (left, right), (bottom, top) = (
            _limits(values, task.higher_is_better) for values, task in zip(self._points(curve), across, strict=True)
        )
        ax.set(xlim=(left, right), ylim=(bottom, top))
        points = self._points([point.evaluation for point in sweep])
        if any(ax.viewLim.contains(x, y) for x, y in zip(*points, strict=True)):
            runs.set_label("sweep, one training each")
        ax.legend(framealpha=0.85, edgecolor="none", loc="lower left", fontsize=9)

    @property
    def moving(self) -> list[Artist]:
        """What changes from picture to picture."""
        return [self._now]

    def update(self, measured: Evaluation) -> None:
        """Move the point."""
        self._now.set_data(*self._points([measured]))

    def _points(self, evaluations: Sequence[Evaluation]) -> list[list[float]]:
        return [[each.metrics[name] for each in evaluations] for name in self._names]


def _limits(values: Sequence[float], higher_is_better: bool) -> tuple[float, float]:
    """The worse end of an axis, with room below the worst value, and its better end."""
    worst, best = (min(values), max(values)) if higher_is_better else (max(values), min(values))
    room = 0.2 * (best - worst) or (0.01 if higher_is_better else -0.01)
    return worst - 1.5 * room, best + room
