"""The picture of a lab on loss weights: over time on the left, the plane of two tasks on the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib

from mtl_utils.analysis.pull import Pull
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.experiments.sweep import SweepPoint
from mtl_utils.lab.views.canvas import Canvas, Part
from mtl_utils.lab.views.former_run import FormerRun
from mtl_utils.lab.views.map_samples import MapSamples
from mtl_utils.lab.views.over_time import OverTime
from mtl_utils.lab.views.plane import Plane
from mtl_utils.lab.views.pull_bars import PullBars
from mtl_utils.plotting.colors import task_colors
from mtl_utils.tasks import Task
from mtl_utils.training.history import History

_STYLE: Any = {"font.size": 10, "axes.titlesize": 10, "axes.labelsize": 10, "legend.fontsize": 10}
_HEIGHT = 4.6
_SAMPLES_HEIGHT = 2.1
_MIDDLE = 0.57  # between the two halves
_EDGES = (1.0, 0.645, 0.325, 0.0)  # between the axes on the left
_BOXES = ((0.68, 0.255), (0.36, 0.245), (0.115, 0.155))  # bottom and height of each


class Picture:
    """Draws a history, the runs kept so far and the pull of the tasks, always in the same places.

    Args:
        tasks: two or more.
        steps: length of a run.
        weight_limits: lowest and highest weight; a lowest above 0 means a logarithmic scale.
        sweep: runs made beforehand.
        samples: frames whose predictions are shown below, or nothing.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        steps: int,
        weight_limits: tuple[float, float],
        sweep: Sequence[SweepPoint],
        samples: MultiTaskDataset | None = None,
    ) -> None:
        names = [task.name for task in tasks]
        colors = task_colors(names)
        with matplotlib.rc_context(_STYLE):
            below = 0.0 if samples is None else _SAMPLES_HEIGHT
            self.canvas = Canvas(10, _HEIGHT + below)
            self._below = below / (_HEIGHT + below)
            figure = self.canvas.figure
            bars = 0.02 + 0.052 * len(names)
            self._between = 0.105 + bars + 0.075  # between the plane and the bars
            self._plane_ax = figure.add_axes(self._above(0.65, self._between + 0.1, 0.335, 0.985 - self._between - 0.1))
            self._bars_ax = figure.add_axes(self._above(0.645, 0.105, 0.34, bars))
            left = [figure.add_axes(self._above(0.06, bottom, 0.45, height)) for bottom, height in _BOXES]
            self.over_time = OverTime(left, tasks, colors, steps, weight_limits)
            self.plane = Plane(self._plane_ax, tasks, colors, sweep)
            self.bars = PullBars(self._bars_ax, names, colors, -0.065 / bars)
            self.samples = None if samples is None else MapSamples(figure, self._below, samples, colors)

    def set_former(self, runs: Sequence[FormerRun]) -> None:
        """The kept runs whose lines are shown."""
        with matplotlib.rc_context(_STYLE):
            self.over_time.set_former(runs)
            self.plane.set_former(runs)

    def draw(self, history: History, kept: Sequence[SweepPoint], pull: Pull, weights: dict[str, float], steps: int) -> None:
        """Show the present state of a run that is `steps` long."""
        with matplotlib.rc_context(_STYLE):
            self.over_time.set_length(steps)
            scenes = self.over_time.update(history, weights)
            plane, bars = self.plane.update(history, kept), self.bars.update(pull, weights)
            shown = (id(history), len(history.validations), len(kept))
            self.canvas.draw(
                [
                    *self.over_time.parts(tuple(self._up(edge) for edge in _EDGES), _MIDDLE, scenes, weights),
                    Part((_MIDDLE, self._up(self._between), 1.0, 1.0), [self._plane_ax], self.plane.moving, plane, shown),
                    Part(
                        (_MIDDLE, self._below, 1.0, self._up(self._between)),
                        [self._bars_ax],
                        self.bars.moving,
                        bars,
                        (id(pull), *weights.values()),
                    ),
                    *self._sample_parts(),
                ]
            )

    def _sample_parts(self) -> list[Part]:
        if self.samples is None:
            return []
        return [Part((0.0, 0.0, 1.0, self._below), self.samples.axes, self.samples.moving, (), self.samples.updates)]

    def _up(self, y: float) -> float:
        """A height in the upper picture as one in the whole."""
        return self._below + (1 - self._below) * y

    def _above(self, x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
        return x, self._up(y), width, (1 - self._below) * height
