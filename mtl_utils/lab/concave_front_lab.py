"""A slider on two ways of combining two losses whose front is concave: their weighted sum, and smooth Tchebycheff."""

from __future__ import annotations

from functools import partial

import torch
from matplotlib.lines import Line2D

from mtl_utils.balancing import Scalarization, WeightedSum
from mtl_utils.balancing.smooth_tchebycheff import SmoothTchebycheff
from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.live_panel import LivePanel
from mtl_utils.lab.engine.live_run import LiveRun
from mtl_utils.lab.views.canvas import Canvas, Part
from mtl_utils.lab.widgets.slider import Slider
from mtl_utils.plotting.axes import tidy
from mtl_utils.plotting.colors import BLACK, BLUE, GRAY, GREEN, VERMILLION, pale_color
from mtl_utils.problems.concave_front import ConcaveFront

_TRAIL = 150  # steps


class ConcaveFrontLab(LivePanel):
    """Both methods walk from the same point, with the same optimizer and weights; the slider acts on the next step.

    Args:
        weight: of the first loss, from 0 to 1; the second loss has the rest.
        smoothing: μ of smooth Tchebycheff.
        steps: length of a run; *continue* makes it longer by as many.
        speed: steps per second at the beginning: 1, 2, 5, 10, 20, 50, 100, 200, or `math.inf`, as fast as it goes.
        learning_rate: of Adam.
        seed: chooses where both start.

    Example:
        >>> lab = ConcaveFrontLab(weight=0.3)
        >>> lab.run(3)  # in a notebook, there is a button
        >>> lab.close()
    """

    def __init__(
        self,
        *,
        weight: float = 0.5,
        smoothing: float = 0.02,
        steps: int = 6000,
        speed: float = 50.0,
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
        super().__init__(Canvas(10, 4.2), list(self.runs.values()), lines=3, speed=speed)
        self.slider = Slider(
            "weight of the first loss", weight, [place / 100 for place in range(101)], words=lambda value: f"{value:.2f}",
            hint="The second loss has the rest. Acts on the next step of both methods. Arrow keys work, too.",
        )  # fmt: skip
        self.slider.observe(self._slider_moved, "value")
        self._prepare_picture()
        self._show([self._buttons, controls.row(self.slider)])

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
        figure.subplots_adjust(left=0.07, right=0.98, bottom=0.2, top=0.92, wspace=0.22)
        front = ConcaveFront.front().numpy()
        self._artists = {}
        for (name, ax), color in zip(self._axes.items(), (VERMILLION, BLUE), strict=True):
            tidy(ax).set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), xlabel="first loss", title=name)
            (reachable,) = ax.plot(*front.T, color=pale_color(GRAY), linewidth=5, solid_capstyle="round", label="Pareto front")
            (level,) = ax.plot([], [], "--", color=GREEN, linewidth=1.4, label="as good as now, for these weights")
            (trail,) = ax.plot([], [], color=color, linewidth=1.5)
            (now,) = ax.plot([], [], "o", color=color, markersize=12, markeredgecolor=BLACK)
            self._artists[name] = (level, trail, now)
        next(iter(self._axes.values())).set_ylabel("second loss")
        # Below both axes, where no line crosses it.
        point = Line2D([], [], ls="", marker="o", color="white", markersize=10, markeredgecolor=BLACK, label="where it is now")
        figure.legend(handles=[reachable, level, point], ncols=3, loc="lower center", frameon=False, fontsize=9)

    def _draw_picture(self) -> None:
        weights, points = next(iter(self.methods.values())).weights, self.points()
        parts = []
        for number, (name, (level, trail, now)) in enumerate(self._artists.items()):
            past = self.runs[name].history.steps[-_TRAIL:]
            path = [(step.losses["first"], step.losses["second"]) for step in past] + [points[name]]
            trail.set_data(*zip(*path, strict=True))
            now.set_data(*([value] for value in points[name]))
            level.set_data(*_level(self.methods[name], weights, points[name]))
            content = (len(self.runs[name].history.steps), points[name], weights["first"])
            parts.append(Part((number / 2, 0.1, (number + 1) / 2, 1.0), [self._axes[name]], [level, trail, now], (), content))
        self._canvas.draw(parts)

    def _picture_in_words(self) -> str:
        return (
            "Two planes with the first loss across and the second loss up, each with the same concave Pareto front, "
            "and a point that walks: on the left the weighted sum, on the right smooth Tchebycheff."
        )

    def _sentences(self, state: str) -> list[str]:
        first, weights = next(iter(self.runs.values())), next(iter(self.methods.values())).weights
        places = "; ".join(f"{name}: first loss {a:.2f}, second loss {b:.2f}" for name, (a, b) in self.points().items())
        return [
            f"{state.capitalize()}, step {len(first.history.steps)} of {first.steps}, seed {first.seed}. "
            f"Weights: first {weights['first']:.2f}, second {weights['second']:.2f}.{self._waiting_seed()}",
            f"{places[:1].upper()}{places[1:]}.",
        ]


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
