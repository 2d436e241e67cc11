"""The picture of the lab on the distance penalty: metrics, distances between the columns, and λ, over the steps of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.lines import Line2D

from mtl_utils.lab.views.canvas import Canvas, Part
from mtl_utils.lab.views.scales import percent_ticks
from mtl_utils.lab.widgets.slider import place_among
from mtl_utils.plotting.axes import tidy
from mtl_utils.plotting.colors import pale_color, task_colors
from mtl_utils.training.history import History

_STYLE: Any = {"font.size": 10, "axes.titlesize": 10, "axes.labelsize": 10, "legend.fontsize": 9}
_LINES = ("-", "--", ":", "-.")


class PenaltyPicture:
    """Accuracies, distances by stage, and λ, over the steps of a run."""

    def __init__(self, names: Sequence[str], stages: Sequence[str], steps: int, strengths: Sequence[float]) -> None:
        with matplotlib.rc_context(_STYLE):
            self.canvas = Canvas(10, 3.6)
            figure = self.canvas.figure
            grid = figure.add_gridspec(2, 2, left=0.06, right=0.98, bottom=0.14, top=0.92, hspace=0.5, height_ratios=[1.6, 1])
            self._axes = metrics, distance, strength = [
                figure.add_subplot(cell) for cell in (grid[:, 0], grid[0, 1], grid[1, 1])
            ]
            for ax in self._axes:
                tidy(ax)
            metrics.set_title("metric on validation", loc="left")
            metrics.set(ylim=(0, 1.02), xlabel="step")
            percent_ticks(metrics.yaxis)
            distance.set_title("distance between the columns", loc="left")
            strength.set_title("strength λ", loc="left")
            strength.set_xlabel("step")
            self._places = list(strengths)
            strength.set_yticks(range(len(strengths)), [in_words(value) for value in strengths], fontsize=8)
            strength.set_ylim(-0.5, len(strengths) - 0.5)
            self._metrics = {
                name: metrics.plot([], [], "o-", color=color, ms=3.5, label=name)[0]
                for name, color in task_colors(list(names)).items()
            }
            self._distances = {
                stage: distance.plot([], [], color="#222222", ls=_LINES[number % len(_LINES)], lw=1.4, label=stage)[0]
                for number, stage in enumerate(stages)
            }
            (self._strength,) = strength.plot([], [], color="#222222", lw=1.8, drawstyle="steps-post")
            metrics.legend(frameon=False, loc="lower right")
            distance.legend(frameon=False, loc="upper left", ncols=len(stages))
            self._top = 1.0
            self._kept: list[Line2D] = []
            self._runs = 0  # that were kept so far

    @property
    def kept(self) -> bool:
        """Whether a run from before is shown."""
        return bool(self._kept)

    def keep(self, history: History, distances: Sequence[dict[str, float]], strengths: Sequence[float]) -> None:
        """Let a run that ends stay, as pale lines, in place of the one before it."""
        for former in self._kept:
            former.remove()
        self._draw_lines(history, distances, strengths)
        self._kept = []
        metrics, distance, strength = self._axes
        for ax, lines in (
            (metrics, self._metrics.values()),
            (distance, self._distances.values()),
            (strength, [self._strength]),
        ):
            for line in lines:
                color = pale_color(str(line.get_color()))
                (kept,) = ax.plot(*line.get_data(), color=color, lw=1.0, ls=(0, (1, 1.2)), zorder=1.5)
                self._kept.append(kept)
        self._kept[-1].set_drawstyle("steps-post")
        self._kept[0].set_label("the run before")
        self._runs += 1
        with matplotlib.rc_context(_STYLE):
            handles = [*self._metrics.values(), self._kept[0]]
            self._axes[0].legend(handles=handles, frameon=False, loc="lower right")

    def draw(self, history: History, distances: Sequence[dict[str, float]], strengths: Sequence[float], steps: int) -> None:
        numbers = self._draw_lines(history, distances, strengths)
        highest = max((value for each in distances for value in each.values()), default=0.0)
        while highest * 1.35 > self._top:  # the axis only ever grows, in steps, so that it seldom jumps
            self._top *= 2
        metrics, distance, strength = self._axes
        distance.set_ylim(0, self._top)
        for ax in self._axes:
            ax.set_xlim(0, steps * 1.02)
        run, scene = id(history), (steps, self._runs)
        with matplotlib.rc_context(_STYLE):
            self.canvas.draw(
                [
                    Part((0.0, 0.0, 0.5, 1.0), [metrics], [*self._metrics.values()], scene, (run, len(numbers))),
                    Part(
                        (0.5, 0.46, 1.0, 1.0),
                        [distance],
                        [*self._distances.values()],
                        (self._top, *scene),
                        (run, len(distances)),
                    ),
                    Part((0.5, 0.0, 1.0, 0.46), [strength], [self._strength], scene, (run, len(strengths))),
                ]
            )

    def _draw_lines(self, history: History, distances: Sequence[dict[str, float]], strengths: Sequence[float]) -> list[int]:
        """Give all lines their points; returns the steps of the validations."""
        numbers = [step.number for step in history.validations]
        measured = [step.validation.metrics for step in history.validations if step.validation is not None]
        for name, line in self._metrics.items():
            line.set_data(numbers, [metrics[name] for metrics in measured])
        for stage, line in self._distances.items():
            line.set_data(range(len(distances)), [each[stage] for each in distances])
        self._strength.set_data(range(len(strengths)), [place_among(self._places, value) for value in strengths])
        return numbers


def in_words(strength: float) -> str:
    """A strength as one writes it."""
    return "∞" if math.isinf(strength) else f"{strength:g}"
