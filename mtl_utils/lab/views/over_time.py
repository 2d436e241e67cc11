"""The left half of the live picture: losses, validation metrics and weights over the steps of a run."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from mtl_utils.lab.views.scales import in_words, plain_ticks, round_down, round_up
from mtl_utils.plotting.axes import tidy
from mtl_utils.plotting.histories import MovingAverage
from mtl_utils.tasks import Task
from mtl_utils.training.history import History

_MOST_POINTS = 250


class OverTime:
    """Three axes over the same steps. Metrics of a second kind (an error beside an accuracy) get a scale on the right.

    All shares (accuracy, mean IoU) have one scale. A third kind has no line, only its latest number, and a note says so.

    Args:
        axes: for losses, metrics and weights.
        tasks: the tasks.
        colors: one for each task.
        steps: length of a run; the horizontal axis is as long from the beginning.
        weight_limits: lowest and highest weight shown; a lowest above 0 means a logarithmic scale.
    """

    def __init__(
        self,
        axes: Sequence[Axes],
        tasks: Sequence[Task],
        colors: dict[str, str],
        steps: int,
        weight_limits: tuple[float, float],
    ) -> None:
        self._losses_ax, self._metrics_ax, self._weights_ax = axes
        self._tasks, self._colors = tasks, colors
        kinds = list(dict.fromkeys(_kind(task) for task in tasks))
        self._metric_axes = {kinds[0]: self._metrics_ax} | {kind: self._metrics_ax.twinx() for kind in kinds[1:2]}
        self._drawn = [task for task in tasks if _kind(task) in self._metric_axes]
        self._loss_lines, self._metric_lines, self._weight_lines, self._weight_now, self._words = {}, {}, {}, {}, {}
        for number, task in enumerate(tasks):
            color = colors[task.name]
            (self._loss_lines[task.name],) = self._losses_ax.plot([], [], color=color, linewidth=1.6, label=task.name)
            if task in self._drawn:
                metric_ax = self._metric_axes[_kind(task)]
                (self._metric_lines[task.name],) = metric_ax.plot([], [], "o-", color=color, linewidth=1.6, markersize=3.5)
            (self._weight_lines[task.name],) = self._weights_ax.plot([], [], color=color, linewidth=1.8)
            (self._weight_now[task.name],) = self._weights_ax.plot([], [], "o", color=color, markersize=6, clip_on=False)
            self._words[task.name] = self._metrics_ax.text(
                1 - 0.27 * (len(tasks) - 1 - number), 1.04, "", color=color, ha="right", weight="bold",
                transform=self._metrics_ax.transAxes,
            )  # fmt: skip
        self._prepare_axes(steps, weight_limits)
        self._history, self._seen = History(), 0
        self._begin(self._history)

    def _prepare_axes(self, steps: int, weight_limits: tuple[float, float]) -> None:
        for ax in (self._losses_ax, self._metrics_ax, self._weights_ax):
            tidy(ax)
            ax.set_xlim(0, steps * 1.02)
        for ax in (self._losses_ax, self._metrics_ax):
            ax.tick_params(labelbottom=False)
        self._losses_ax.set_title("training losses", loc="left")
        self._losses_ax.set_yscale("log")
        plain_ticks(self._losses_ax.yaxis)
        self._losses_ax.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1.02, 0.97), borderaxespad=0.1)
        metrics = list(dict.fromkeys(task.metric_name for task in self._tasks))
        self._metrics_ax.set_title(f"validation {metrics[0]}" if len(metrics) == 1 else "on validation", loc="left")
        if left_out := [task.name for task in self._tasks if task not in self._drawn]:
            self._metrics_ax.text(
                0.02,
                0.06,
                f"not drawn: {', '.join(left_out)} (a third scale)",
                fontsize=8,
                transform=self._metrics_ax.transAxes,
            )
        for kind, ax in self._metric_axes.items():
            group = [task for task in self._tasks if _kind(task) == kind]
            if group[0].metric_is_share:
                ax.set_ylim(0, 1.03)
                ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            if ax is not self._metrics_ax:
                ax.spines[["top", "left"]].set_visible(False)
                ax.set_ylabel(" and ".join(dict.fromkeys(task.metric_name for task in group)), fontsize=9)
        self._weights_ax.set_title("loss weights", loc="left")
        self._weights_ax.set_xlabel("step")
        if weight_limits[0] > 0:
            self._weights_ax.set_yscale("log")
            plain_ticks(self._weights_ax.yaxis, dense=False)
            self._weights_ax.set_ylim(weight_limits[0] / 1.5, weight_limits[1] * 1.5)
        else:
            self._weights_ax.set_ylim(-0.06 * weight_limits[1], 1.08 * weight_limits[1])

    @property
    def moving(self) -> list[Artist]:
        """What changes from picture to picture."""
        return [
            *self._loss_lines.values(), *self._metric_lines.values(), *self._weight_lines.values(),
            *self._weight_now.values(), *self._words.values(),
        ]  # fmt: skip

    def update(self, history: History, weights: dict[str, float]) -> Hashable:
        """Take in the steps since the last call, and the weights in force; returns what identifies the axes' limits."""
        if history is not self._history or len(history.steps) < self._seen:
            self._begin(history)
        for step in history.steps[self._seen :]:
            self._numbers.append(step.number)
            for name in self._colors:
                self._smooth[name].append(self._average[name].add(step.losses.get(name, math.nan)))
                self._weights[name].append(step.weights.get(name, math.nan))
            if step.validation is not None:
                self._validated.append(step.number)
                for name in self._colors:
                    self._metrics[name].append(step.validation.metrics[name])
        self._seen = len(history.steps)
        stride = max(1, len(self._numbers) // _MOST_POINTS)
        # From the end backwards, so that the newest value is always there.
        numbers = self._numbers[::-stride]
        for task in self._tasks:
            name = task.name
            self._loss_lines[name].set_data(numbers, self._smooth[name][::-stride])
            self._weight_lines[name].set_data(numbers, self._weights[name][::-stride])
            self._weight_now[name].set_data([self._numbers[-1] if self._numbers else 0], [weights[name]])
            if name in self._metric_lines:
                self._metric_lines[name].set_data(self._validated, self._metrics[name])
            self._words[name].set_text(f"{name} {in_words(task, self._metrics[name][-1])}" if self._metrics[name] else "")
        return self._set_limits()

    def _begin(self, history: History) -> None:
        self._history, self._seen = history, 0
        self._numbers: list[int] = []
        self._validated: list[int] = []
        self._average = {name: MovingAverage() for name in self._colors}
        self._smooth: dict[str, list[float]] = {name: [] for name in self._colors}
        self._weights: dict[str, list[float]] = {name: [] for name in self._colors}
        self._metrics: dict[str, list[float]] = {name: [] for name in self._colors}

    def _set_limits(self) -> Hashable:
        losses = [value for values in self._smooth.values() for value in values if value > 0 and math.isfinite(value)]
        limits = (round_down(min(losses)), round_up(max(losses) * 1.0001)) if losses else (0.1, 5.0)
        self._losses_ax.set_ylim(*limits)
        plain_ticks(self._losses_ax.yaxis, dense=limits[1] / limits[0] < 200)
        scene: list[Hashable] = [limits]
        for kind, ax in self._metric_axes.items():
            group = [task for task in self._tasks if _kind(task) == kind]
            if not group[0].metric_is_share:
                values = [value for task in group for value in self._metrics[task.name] if math.isfinite(value)]
                top = round_up(max(values)) if values and max(values) > 0 else 1.0
                ax.set_ylim(0, top)
                scene.append(top)
        return tuple(scene)


def _kind(task: Task) -> str:
    """Which scale a task's metric needs."""
    return "share" if task.metric_is_share else task.metric_name
