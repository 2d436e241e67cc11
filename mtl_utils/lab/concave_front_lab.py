"""A slider on two ways of combining two losses whose front is concave: their weighted sum, and smooth Tchebycheff."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial

import ipywidgets
import torch

from mtl_utils.balancing import Scalarization, WeightedSum
from mtl_utils.balancing.smooth_tchebycheff import SmoothTchebycheff
from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.live_panel import LivePanel
from mtl_utils.lab.engine.live_run import LiveRun
from mtl_utils.lab.views.canvas import Canvas
from mtl_utils.plotting.axes import tidy
from mtl_utils.plotting.colors import BLACK, BLUE, GRAY, GREEN, VERMILLION
from mtl_utils.problems.concave_front import ConcaveFront

_TRAIL = 150  # steps
_REST = 0.01  # seconds between steps: the steps are so short that one could not watch them otherwise


class ConcaveFrontLab(LivePanel):
    """Both methods walk from the same point, with the same optimizer and weights; the slider acts on the next step.

    Args:
        weight: of the first loss, from 0 to 1; the second loss has the rest.
        smoothing: μ of smooth Tchebycheff.
        steps: length of a run.
        learning_rate: of Adam.
        seed: chooses where both start.
    """

    def __init__(
        self,
        *,
        weight: float = 0.5,
        smoothing: float = 0.02,
        steps: int = 6000,
        learning_rate: float = 0.02,
        seed: int = 0,
    ) -> None:
        if not 0 <= weight <= 1:
            raise ValueError(f"the weight of the first loss must be from 0 to 1, not {weight!r}")
        start = {"first": weight, "second": 1 - weight}
        self.methods: dict[str, WeightedSum | SmoothTchebycheff] = {
            "weighted sum": WeightedSum(start),
            "smooth Tchebycheff": SmoothTchebycheff(start, smoothing=smoothing),
        }
        optimizer = partial(torch.optim.Adam, lr=learning_rate)
        self.runs = {
            name: LiveRun(
                lambda seed: ConcaveFront(seed=seed), ConcaveFront.batches(), ConcaveFront.tasks(), balancer,
                steps=steps, seed=seed, arguments={"optimizer": optimizer, "device": "cpu"},
            )
            for name, balancer in self.methods.items()
        }  # fmt: skip
        super().__init__(Canvas(10, 4.4), list(self.runs.values()), lines=2, rest=_REST)
        self.slider = ipywidgets.FloatSlider(
            value=weight, min=0, max=1, step=0.01, description="weight of the first loss", readout_format=".2f",
            tooltip="The second loss has the rest. Acts on the next step of both methods. Arrow keys work, too.",
            style={"description_width": "150px"}, layout={"width": "480px"},
        )  # fmt: skip
        self.slider.observe(self._slider_moved, "value")
        self._prepare_picture()
        self._show([self._buttons, controls.row(self.slider)])
        self._draw()

    def points(self) -> dict[str, tuple[float, float]]:
        """Where each method is now: its two losses."""
        with torch.no_grad():
            return {
                name: (float(losses["first"]), float(losses["second"]))
                for name, run in self.runs.items()
                for losses in (ConcaveFront.losses(run.model.x[0]),)  # type: ignore[index]
            }

    def _slider_moved(self, _: object) -> None:
        weights = {"first": self.slider.value, "second": 1 - self.slider.value}
        for balancer in self.methods.values():
            balancer.weights = weights
        self.player.touch()

    def _step(self) -> bool:
        more = [run.advance() for run in self.runs.values()]  # each makes its step, also when another has ended
        return all(more)

    def _prepare_picture(self) -> None:
        figure = self._canvas.figure
        self._axes = dict(zip(self.runs, figure.subplots(1, 2), strict=True))
        figure.subplots_adjust(left=0.07, right=0.98, bottom=0.13, top=0.91, wspace=0.22)
        front = ConcaveFront.front().numpy()
        self._artists = {}
        for (name, ax), color in zip(self._axes.items(), (VERMILLION, BLUE), strict=True):
            tidy(ax).set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), xlabel="first loss", title=name)
            ax.plot(*front.T, color=GRAY, linewidth=5, alpha=0.5, solid_capstyle="round", label="Pareto front")
            (level,) = ax.plot([], [], "--", color=GREEN, linewidth=1.2, label="as good, for these weights")
            (trail,) = ax.plot([], [], color=color, linewidth=1.5)
            (now,) = ax.plot([], [], "o", color=color, markersize=12, markeredgecolor=BLACK, label="now")
            ax.legend(frameon=False, loc="lower left", fontsize=9)
            self._artists[name] = (level, trail, now)
        next(iter(self._axes.values())).set_ylabel("second loss")

    def _draw(self) -> None:
        if self._closed:
            return
        weights, points = next(iter(self.methods.values())).weights, self.points()
        first = next(iter(self.runs.values()))
        moving = []
        for name, (level, trail, now) in self._artists.items():
            past = self.runs[name].history.steps[-_TRAIL:]
            path = [(step.losses["first"], step.losses["second"]) for step in past] + [points[name]]
            trail.set_data(*zip(*path, strict=True))
            now.set_data(*([value] for value in points[name]))
            level.set_data(*_level(self.methods[name], weights, points[name]))
            moving += [level, trail, now]
        scene: Hashable = ()
        self._canvas.draw(moving, scene)
        state = self._state()
        places = "; ".join(f"{name}: first loss {a:.2f}, second loss {b:.2f}" for name, (a, b) in points.items())
        self._status.say(
            [
                f"{state.capitalize()}, step {len(first.history.steps)} of {first.steps}, seed {first.seed}. "
                f"Weights: first {weights['first']:.2f}, second {weights['second']:.2f}.{self._waiting_seed()}",
                f"{places}.",
            ],
            self._problem() or self._notice,
        )


def _level(
    balancer: Scalarization | WeightedSum, weights: dict[str, float], point: tuple[float, float]
) -> tuple[list[float], list[float]]:
    """All points that the method takes for as good as `point`: a straight line, or (nearly) the corner of a rectangle."""
    a, b = weights["first"], weights["second"]
    if isinstance(balancer, WeightedSum):
        total = a * point[0] + b * point[1]
        if b > a:
            return [0.0, 1.0], [total / b, (total - a) / b]
        return [total / a, (total - b) / a], [0.0, 1.0]
    worst = max(a * point[0], b * point[1])
    corner = (worst / max(a, 1e-9), worst / max(b, 1e-9))
    corner = (min(corner[0], 2.0), min(corner[1], 2.0))
    return [corner[0], corner[0], -0.1], [-0.1, corner[1], corner[1]]
