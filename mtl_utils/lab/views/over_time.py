"""The left half of the live picture: losses, validation metrics and weights over the steps of a run."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mtl_utils.lab.views.canvas import Part
from mtl_utils.lab.views.former_run import FormerRun
from mtl_utils.lab.views.scales import in_words, percent_ticks, plain_ticks, round_down, round_up
from mtl_utils.plotting.axes import tidy
from mtl_utils.plotting.colors import pale_color, text_color
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
        room = 0.27 if len(tasks) <= 2 else 0.17
        for number, task in enumerate(tasks):
            color, behind = colors[task.name], len(tasks) - 1 - number
            (self._loss_lines[task.name],) = self._losses_ax.plot([], [], color=color, linewidth=1.6, label=task.name)
            if task in self._drawn:
                metric_ax = self._metric_axes[_kind(task)]
                (self._metric_lines[task.name],) = metric_ax.plot([], [], "o-", color=color, linewidth=1.6, markersize=3.5)
            # Those behind are wider, so that equal weights hide no line.
            (self._weight_lines[task.name],) = self._weights_ax.plot([], [], color=color, linewidth=1.6 + 2.2 * behind)
            (self._weight_now[task.name],) = self._weights_ax.plot(
                [], [], "o", color=color, markersize=5.5 + 3 * behind, clip_on=False
            )
            self._words[task.name] = self._metrics_ax.text(
                1 - room * behind, 1.04, "", color=text_color(color), ha="right", weight="bold",
                transform=self._metrics_ax.transAxes,
            )  # fmt: skip
        self._former: list[tuple[FormerRun, list[Line2D], list[Line2D]]] = []
        self._prepare_axes(weight_limits)
        self._length, self._range = 0, (math.inf, 0.0)
        self.set_length(steps)
        self._history, self._seen = History(), 0
        self._begin(self._history)

    def set_length(self, steps: int) -> None:
        """How many steps the horizontal axes have."""
        if steps != self._length:
            self._length = steps
            for ax in (self._losses_ax, self._metrics_ax, self._weights_ax):
                ax.set_xlim(0, steps * 1.02)

    def set_former(self, runs: Sequence[FormerRun]) -> None:
        """Show the lines of these runs, pale, and of no others."""
        if [run.history for run, _, _ in self._former] == [run.history for run in runs]:
            return
        for _, losses, metrics in self._former:
            for line in (*losses, *metrics):
                line.remove()
        self._former = [(run, self._pale_losses(run), self._pale_metrics(run)) for run in runs]

    def _pale_losses(self, run: FormerRun) -> list[Line2D]:
        lines = []
        for task in self._tasks:
            average = MovingAverage()
            values = [average.add(step.losses.get(task.name, math.nan)) for step in run.history.steps]
            stride = max(1, len(values) // _MOST_POINTS)
            numbers = [step.number for step in run.history.steps]
            lines += self._losses_ax.plot(
                numbers[::-stride],
                values[::-stride],
                color=pale_color(self._colors[task.name]),
                lw=1.1,
                ls=run.dashes,
                zorder=1.5,
            )
        return lines

    def _pale_metrics(self, run: FormerRun) -> list[Line2D]:
        lines = []
        for task in self._drawn:
            points = [(step.number, step.validation.metrics[task.name]) for step in run.history.steps if step.validation]
            lines += self._metric_axes[_kind(task)].plot(
                *(zip(*points, strict=True) if points else ([], [])),
                color=pale_color(self._colors[task.name]), lw=1.1, ls=run.dashes, zorder=1.5,
            )  # fmt: skip
        return lines

    def _prepare_axes(self, weight_limits: tuple[float, float]) -> None:
        for ax in (self._losses_ax, self._metrics_ax, self._weights_ax):
            tidy(ax)
        for ax in (self._losses_ax, self._metrics_ax):
            ax.tick_params(labelbottom=False)
        self._losses_ax.set_title("training losses", loc="left")
        self._losses_ax.set_yscale("log")
        plain_ticks(self._losses_ax.yaxis)
        many = len(self._tasks) > 2
        self._losses_ax.legend(
            frameon=False, ncols=len(self._tasks), loc="lower right", bbox_to_anchor=(1.02, 0.97), borderaxespad=0.1,
            fontsize=8 if many else 10, handlelength=1.0 if many else 2.0, columnspacing=0.8 if many else 2.0,
        )  # fmt: skip
        metrics = list(dict.fromkeys(task.metric_name for task in self._tasks))
        self._metrics_ax.set_title(f"validation {metrics[0]}" if len(metrics) == 1 else "on validation", loc="left")
        if left_out := [task.name for task in self._tasks if task not in self._drawn]:
            note = f"not drawn: {', '.join(left_out)} (a third scale)"
            self._metrics_ax.text(0.02, 0.06, note, fontsize=8, transform=self._metrics_ax.transAxes)
        for kind, ax in self._metric_axes.items():
            group = [task for task in self._tasks if _kind(task) == kind]
            if group[0].metric_is_share:
                ax.set_ylim(0, 1.03)
                percent_ticks(ax.yaxis)
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

    def parts(self, edges: Sequence[float], right: float, scenes: Sequence[Hashable], weights: dict[str, float]) -> list[Part]:
        """The three axes as parts of the picture, from top to bottom.

        Args:
            edges: top of the first one, then the bottom of each, as shares of the figure.
            right: their right edge.
            scenes: what identifies the limits of losses and metrics; `update` returns it.
            weights: those in force.
        """
        former = tuple(id(run.history) for run, _, _ in self._former)
        groups: list[tuple[Sequence[Axes], list[Artist], Hashable, Hashable]] = [
            ([self._losses_ax], [*self._loss_lines.values()], (scenes[0], former), self._seen),
            (
                [*self._metric_axes.values()],
                [*self._metric_lines.values(), *self._words.values()],
                (scenes[1], former),
                len(self._validated),
            ),
            (
                [self._weights_ax],
                [*self._weight_lines.values(), *self._weight_now.values()],
                (),
                (self._seen, *weights.values()),
            ),
        ]
        run = id(self._history)
        return [
            Part((0.0, bottom, right, top), axes, moving, (scene, self._length), (run, content))
            for top, bottom, (axes, moving, scene, content) in zip(edges, edges[1:], groups, strict=False)
        ]

    def update(self, history: History, weights: dict[str, float]) -> tuple[Hashable, Hashable]:
        """Take in the steps since the last call, and the weights in force; returns what identifies the axes' limits."""
        if history is not self._history or len(history.steps) < self._seen:
            self._begin(history)
        for step in history.steps[self._seen :]:
            self._numbers.append(step.number)
            for name in self._colors:
                value = self._average[name].add(step.losses.get(name, math.nan))
                self._smooth[name].append(value)
                if value > 0 and math.isfinite(value):
                    self._range = (min(self._range[0], value), max(self._range[1], value))
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
            latest = in_words(task, self._metrics[name][-1]) if self._metrics[name] else ""
            self._words[name].set_text(f"{name} {latest}" if latest and len(self._tasks) <= 2 else latest)
        return self._set_limits()

    def _begin(self, history: History) -> None:
        self._history, self._seen = history, 0
        self._numbers: list[int] = []
        self._validated: list[int] = []
        self._average = {name: MovingAverage() for name in self._colors}
        self._smooth: dict[str, list[float]] = {name: [] for name in self._colors}
        self._weights: dict[str, list[float]] = {name: [] for name in self._colors}
        self._metrics: dict[str, list[float]] = {name: [] for name in self._colors}
        self._range = (math.inf, 0.0)

    def _set_limits(self) -> tuple[Hashable, Hashable]:
        former = [value for _, lines, _ in self._former for line in lines for value in _heights(line) if value > 0]
        low, high = min([self._range[0], *former]), max([self._range[1], *former])
        limits = (round_down(low), round_up(high * 1.0001)) if high else (0.1, 5.0)
        if limits != self._losses_ax.get_ylim():
            self._losses_ax.set_ylim(*limits)
            plain_ticks(self._losses_ax.yaxis, dense=limits[1] / limits[0] < 200)
        tops: list[float] = []
        for kind, ax in self._metric_axes.items():
            group = [task for task in self._tasks if _kind(task) == kind]
            if not group[0].metric_is_share:
                own = [value for task in group for value in self._metrics[task.name]]
                behind = [
                    value for _, _, lines in self._former for line in lines if line.axes is ax for value in _heights(line)
                ]
                finite = [value for value in (*own, *behind) if math.isfinite(value)]
                tops.append(round_up(max(finite)) if finite and max(finite) > 0 else 1.0)
                ax.set_ylim(0, tops[-1])
        return limits, tuple(tops)


def _kind(task: Task) -> str:
    """Which scale a task's metric needs."""
    return "share" if task.metric_is_share else task.metric_name


def _heights(line: Line2D) -> list[float]:
    return [float(value) for value in np.asarray(line.get_ydata(), dtype=float)]
