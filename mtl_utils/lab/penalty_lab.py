"""A slider on the distance penalty between columns, on a training that runs: from one network per task to hard sharing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mtl_utils.balancing import WeightedSum
from mtl_utils.datasets.splits import Splits
from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.live_panel import LivePanel
from mtl_utils.lab.engine.live_run import LiveRun, ModelFactory
from mtl_utils.lab.views import words
from mtl_utils.lab.views.canvas import Canvas, Part
from mtl_utils.lab.views.scales import percent_ticks
from mtl_utils.lab.widgets.slider import Slider, place_among
from mtl_utils.models import TwinColumns
from mtl_utils.penalties import DistancePenalty
from mtl_utils.plotting.axes import tidy
from mtl_utils.plotting.colors import task_colors
from mtl_utils.tasks import check_tasks
from mtl_utils.training.choosing import Chooser, mean_improvement
from mtl_utils.training.history import History
from mtl_utils.training.optimizer import OptimizerFactory

_STYLE: Any = {"font.size": 10, "axes.titlesize": 10, "axes.labelsize": 10, "legend.fontsize": 9}
_LINES = ("-", "--", ":", "-.")


class PenaltyLab(LivePanel):
    """A slider on λ while twin columns train. Whatever is moved acts on the next step. Put it last in a cell to see it.

    Args:
        make_model: makes untrained twin columns from a seed, such as `lambda seed: twin_columns(lenet, data, seed=seed)`.
        data: a data set; validated on its `val` split.
        penalty: the penalty whose strength the slider moves.
        strengths: the places of the slider, in rising order; `math.inf` is hard sharing.
        steps: length of a run; *continue* makes it longer by as many.
        speed: steps per second at the beginning: 1, 2, 5, 10, 20, 50, 100, 200, or `math.inf`, as fast as it goes.
        validate_every: steps between validations.
        seed: of the first run.
        batch_size, optimizer, schedule, choose, patience, device: see `mtl_utils.training.train`. A schedule must be one that
            can go on after `steps`, if *continue* is to be used.

    Attributes:
        distances: for the start and after each step of this run, the distance between the columns by stage.

    Raises:
        ValueError: in words, if the penalty's present strength is not a place of the slider, the model has no columns, or the
            seed is not from 0 to a million.

    Example:
        >>> from mtl_utils import datasets, models, penalties
        >>> pairs = datasets.multi_mnist(256, 100, 100)
        >>> lab = PenaltyLab(lambda seed: models.twin_columns(models.lenet, pairs, seed=seed), pairs, batch_size=32,
        ...                  penalty=penalties.DistancePenalty(0.0), strengths=[0.0, 1e-3, 1e-2])
        >>> lab.run(3)
        >>> lab.close()
    """

    def __init__(
        self,
        make_model: ModelFactory,
        data: Splits,
        *,
        penalty: DistancePenalty,
        strengths: Sequence[float],
        steps: int = 400,
        speed: float = 10.0,
        validate_every: int = 20,
        seed: int = 0,
        batch_size: int = 256,
        optimizer: OptimizerFactory | None = None,
        schedule: Callable[[Optimizer], LRScheduler] | None = None,
        choose: Chooser = mean_improvement,
        patience: int | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        if list(strengths) != sorted(set(strengths)) or penalty.strength not in strengths:
            raise ValueError(
                f"the slider's places must rise, and the penalty's strength {penalty.strength:g} must be one of them; "
                f"they are {list(strengths)}"
            )
        self.tasks = check_tasks(data.tasks)
        self.penalty = penalty
        self._make_model = make_model
        self._run = LiveRun(
            self._make_columns, data, self.tasks, WeightedSum(), steps=steps, seed=seed,
            arguments={
                "penalty": penalty, "validate_every": validate_every, "batch_size": batch_size, "optimizer": optimizer,
                "schedule": schedule, "choose": choose, "patience": patience, "device": device,
            },
        )  # fmt: skip
        self._begin()
        self._picture = _Picture([task.name for task in self.tasks], list(self.distances[0]), steps, strengths)
        super().__init__(self._picture.canvas, [self._run], speed=speed)
        self.slider = Slider(
            "strength λ", penalty.strength, strengths, words=in_words,
            hint="Strength of the penalty on the distance between the columns. Acts on the next step. Arrow keys work, too.",
        )  # fmt: skip
        self.slider.observe(self._slider_moved, "value")
        self._show([self._buttons, controls.row(self.slider)])

    @property
    def strength(self) -> float:
        """λ now in force. Assign one of the slider's places to move it."""
        return self.penalty.strength

    @strength.setter
    def strength(self, strength: float) -> None:
        if strength not in self.slider.values:
            raise ValueError(f"λ = {strength!r} is not one of the slider's places {self.slider.values}")
        self.slider.value = strength
        self.penalty.strength = strength  # also where the slider was there already, and the penalty was not

    @property
    def model(self) -> TwinColumns:
        """The model of this run."""
        model = self._run.model
        assert isinstance(model, TwinColumns)
        return model

    def _make_columns(self, seed: int) -> TwinColumns:
        model = self._make_model(seed)
        if not isinstance(model, TwinColumns):
            raise ValueError(f"this slider ties twin columns; make_model(seed) gave a {type(model).__name__}")
        return model

    def _slider_moved(self, _: object) -> None:
        self.penalty.strength = self.slider.value  # one number: the loop sees the old one or the new
        self.player.touch()

    def _step(self) -> bool:
        strength = self.penalty.strength
        return self._run.advance(lambda: self._measure(strength))

    def _measure(self, strength: float) -> None:
        self._strengths.append(strength)
        self.distances.append(self.model.distances())

    def _restart(self) -> None:
        super()._restart()
        self._begin()

    def _begin(self) -> None:
        self._strengths = [self.penalty.strength]
        # No new model, no distance: that of the former one would be a lie.
        self.distances = [] if self._run.problem else [self.model.distances()]

    def _draw_picture(self) -> None:
        run = self._run
        self._picture.draw(run.history, self.distances, self._strengths, run.steps)

    def _picture_in_words(self) -> str:
        return (
            "Left: the metrics on validation over the steps. "
            "Right: the distance between the columns, stage by stage, and below it λ, over the steps."
        )

    def _sentences(self, state: str) -> list[str]:
        run = self._run
        progress = words.progress(state, run.history, run.steps, run.seed)
        far = ", ".join(f"{stage} {distance:.2g}" for stage, distance in (self.distances or [{}])[-1].items())
        return [
            f"{progress} λ = {in_words(self.strength)}.{self._waiting_seed()}",
            words.validation(run.history, self.tasks),
            f"Distance between the columns: {far}." if far else "",
        ]


class _Picture:
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

    def draw(self, history: History, distances: Sequence[dict[str, float]], strengths: Sequence[float], steps: int) -> None:
        numbers = [step.number for step in history.validations]
        measured = [step.validation.metrics for step in history.validations if step.validation is not None]
        for name, line in self._metrics.items():
            line.set_data(numbers, [metrics[name] for metrics in measured])
        for stage, line in self._distances.items():
            line.set_data(range(len(distances)), [each[stage] for each in distances])
        self._strength.set_data(range(len(strengths)), [place_among(self._places, value) for value in strengths])
        highest = max((value for each in distances for value in each.values()), default=0.0)
        while highest * 1.35 > self._top:  # the axis only ever grows, in steps, so that it seldom jumps
            self._top *= 2
        metrics, distance, strength = self._axes
        distance.set_ylim(0, self._top)
        for ax in self._axes:
            ax.set_xlim(0, steps * 1.02)
        run = id(history)
        with matplotlib.rc_context(_STYLE):
            self.canvas.draw(
                [
                    Part((0.0, 0.0, 0.5, 1.0), [metrics], [*self._metrics.values()], steps, (run, len(numbers))),
                    Part(
                        (0.5, 0.46, 1.0, 1.0),
                        [distance],
                        [*self._distances.values()],
                        (self._top, steps),
                        (run, len(distances)),
                    ),
                    Part((0.5, 0.0, 1.0, 0.46), [strength], [self._strength], steps, (run, len(strengths))),
                ]
            )


def in_words(strength: float) -> str:
    """A strength as one writes it."""
    return "∞" if math.isinf(strength) else f"{strength:g}"
