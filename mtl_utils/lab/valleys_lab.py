"""Sliders along paths that were computed beforehand: the two valleys, with the weights of a sum, CAGrad's c, and any method."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.panel import Panel
from mtl_utils.lab.views.canvas import WHOLE, Canvas, Part
from mtl_utils.lab.widgets.slider import Slider
from mtl_utils.plotting.gradients import method_color, plot_paths, plot_valleys
from mtl_utils.problems.two_valleys import TwoValleys, load_paths

_ON_THE_FRONT = 0.5  # how far from the Pareto set a point may lie to count as having arrived


class ValleysLab(Panel):
    """Three pictures of one plane: the weighted sum, CAGrad, and a method to choose, each from five starts.

    A slider moves along the steps of all three; one chooses the weight of the first loss in the sum, one CAGrad's c. Nothing is
    computed anew: the paths come from `studies/two_valleys.py`.

    Args:
        file: the study's results.
        share: of the first loss in the sum, from 0.1 to 0.9.
        c: CAGrad's, from 0 to 0.9.
        method: shown on the right.
        step: the update at which the slider stands; the last one by default.

    Example:
        >>> lab = ValleysLab('studies/two_valleys.npz', share=0.3)
        >>> '0.3 : 0.7' in lab.description
        True
        >>> lab.close()
    """

    def __init__(
        self, file: str | Path, *, share: float = 0.5, c: float = 0.5, method: str = "MGDA", step: int | None = None
    ) -> None:
        paths = load_paths(file)["adam"]
        self._steps, self._paths = paths.steps, paths.points
        self._front = TwoValleys.pareto_set()
        methods = [name for name in self._paths if "=" not in name]
        if method not in methods:
            raise ValueError(f"the study has no method '{method}'; it has {', '.join(methods)}")
        super().__init__(Canvas(10.4, 4.0), lines=3)
        self.step = Slider(
            "updates so far", self._steps[-1] if step is None else min(self._steps, key=lambda s: abs(s - step)), self._steps,
            words=lambda updates: f"{updates:,.0f}", hint="Moves along all paths. Arrow keys work, too.",
        )  # fmt: skip
        self.share = Slider(
            "weight of the first loss", share, [place / 10 for place in range(1, 10)], words=lambda value: f"{value:.1f}",
            hint="Of the weighted sum on the left; the second loss has the rest. Arrow keys work, too.",
        )  # fmt: skip
        self.c = Slider(
            "c of CAGrad", c, [place / 10 for place in range(10)], words=lambda value: f"{value:.1f}",
            hint="How far CAGrad may leave the mean gradient; 0 is the plain mean. Arrow keys work, too.",
        )  # fmt: skip
        self.method = controls.choice("on the right", methods, "The method that is shown on the right")
        self.method.value = method
        for control in (self.step, self.share, self.c, self.method):
            control.observe(lambda _: self.player.touch(), "value")
        self._prepare_picture()
        self._show([controls.row(self.step, self.share, self.c, self.method)])

    def arrived(self) -> dict[str, int]:
        """How many of the five paths of each picture are at the Pareto set by now."""
        at = self._place()
        return {
            title: int((torch.cdist(points[:, at], self._front).min(1).values < _ON_THE_FRONT).sum())
            for title, (points, _) in self._chosen().items()
        }

    def _place(self) -> int:
        """Where the nearest update is that the study kept: an assigned number of updates may lie between two."""
        return min(range(len(self._steps)), key=lambda place: abs(self._steps[place] - self.step.value))

    def _chosen(self) -> dict[str, tuple[Tensor, str]]:
        """What the three pictures show: a title, with points and color."""
        share, c, method = round(self.share.value, 1), round(self.c.value, 1), self.method.value
        return {
            f"weighted sum, {share:.1f} : {1 - share:.1f}": (self._paths[f"sum share={share}"], method_color("sum")),
            f"CAGrad, c = {c:.1f}": (self._paths[f"CAGrad c={c}"], method_color("CAGrad")),
            method: (self._paths[method], method_color(method)),
        }

    def _prepare_picture(self) -> None:
        figure = self._canvas.figure
        self._axes = list(figure.subplots(1, 3, sharey=True))
        figure.subplots_adjust(left=0.075, right=0.99, bottom=0.13, top=0.91, wspace=0.06)
        self._lines = []
        for ax, (points, color) in zip(self._axes, self._chosen().values(), strict=True):
            plot_valleys(ax)
            self._lines.append(plot_paths(points, ax, color=color))
        self._axes[0].set_ylabel("$x_2$")

    def _draw_picture(self) -> None:
        chosen, at = self._chosen(), self._place()
        for ax, lines, (title, (points, color)) in zip(self._axes, self._lines, chosen.items(), strict=True):
            ax.set_title(title, fontsize=11)
            for line, path in zip(lines, points, strict=False):
                line.set_data(*path[: at + 1].T)
            lines[-1].set_data(*points[:, at].T)
            for line in lines[:-2]:
                line.set_color(color)
            lines[-2].set_markeredgecolor(color)
            lines[-1].set_color(color)
        # The titles move, too: were they part of what stands still, each new one would draw all contours again.
        moving = [*(line for lines in self._lines for line in lines), *(ax.title for ax in self._axes)]
        self._canvas.draw([Part(WHOLE, self._axes, moving, (), (at, *chosen))])

    def _picture_in_words(self) -> str:
        return f"Three planes with two valleys, each with five paths: {', '.join(self._chosen())}."

    def _words(self) -> tuple[list[str], str, bool]:
        arrived = "; ".join(f"{title}: {count} of 5" for title, count in self.arrived().items())
        said = [
            f"After {self._steps[self._place()]:,} updates of Adam with step size 0.001.",
            f"Paths that have arrived at the Pareto set (the thick gray line): {arrived}.",
        ]
        return said, "", False
