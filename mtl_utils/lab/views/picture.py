"""The picture of a lab on loss weights: over time on the left, the plane of two tasks on the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib

from mtl_utils.analysis.pull import Pull
from mtl_utils.experiments.sweep import SweepPoint
from mtl_utils.lab.views.canvas import Canvas
from mtl_utils.lab.views.over_time import OverTime
from mtl_utils.lab.views.plane import Plane
from mtl_utils.lab.views.pull_bars import PullBars
from mtl_utils.plotting.colors import task_colors
from mtl_utils.tasks import Task
from mtl_utils.training.history import History

_STYLE: Any = {"font.size": 10, "axes.titlesize": 10, "axes.labelsize": 10, "legend.fontsize": 10}


class Picture:
    """Draws a history, the runs kept so far and the pull of the tasks, always in the same places.

    Args:
        tasks: two or more.
        steps: length of a run.
        weight_limits: lowest and highest weight; a lowest above 0 means a logarithmic scale.
        sweep: runs made beforehand.
    """

    def __init__(
        self, tasks: Sequence[Task], steps: int, weight_limits: tuple[float, float], sweep: Sequence[SweepPoint]
    ) -> None:
        names = [task.name for task in tasks]
        colors = task_colors(names)
        with matplotlib.rc_context(_STYLE):
            self.canvas = Canvas(10, 5)
            figure = self.canvas.figure
            heights = [1.25, 1.25, 0.7]
            left = figure.add_gridspec(3, 1, left=0.06, right=0.51, bottom=0.1, top=0.945, height_ratios=heights, hspace=0.32)
            bars = 0.045 * len(names)
            plane_box = figure.add_axes((0.635, 0.26 + bars, 0.35, 0.715 - bars))
            bars_box = figure.add_axes((0.635, 0.06, 0.35, 0.04 + bars))
            self.over_time = OverTime(
                [figure.add_subplot(cell) for cell in (left[0], left[1], left[2])], tasks, colors, steps, weight_limits
            )
            self.plane = Plane(plane_box, tasks, colors, sweep)
            self.bars = PullBars(bars_box, names, colors)

    def draw(self, history: History, kept: Sequence[SweepPoint], pull: Pull, weights: dict[str, float]) -> None:
        """Show the present state."""
        with matplotlib.rc_context(_STYLE):
            scene = (
                self.over_time.update(history, weights),
                self.plane.update(history, kept),
                self.bars.update(pull, weights),
            )
            self.canvas.draw([*self.over_time.moving, *self.plane.moving, *self.bars.moving], scene)
