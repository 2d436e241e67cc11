"""A slider on the distance penalty between columns, on a training that runs: from one network per task to hard sharing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mtl_utils.balancing import WeightedSum
from mtl_utils.datasets.splits import Splits
from mtl_utils.experiments.way import ModelFactory, check_factory
from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.live_panel import LivePanel
from mtl_utils.lab.engine.live_run import LiveRun
from mtl_utils.lab.views import words
from mtl_utils.lab.views.penalty_picture import PenaltyPicture, in_words
from mtl_utils.lab.views.scales import plain
from mtl_utils.lab.widgets.slider import Slider
from mtl_utils.models import TwinColumns
from mtl_utils.penalties import DistancePenalty
from mtl_utils.tasks import check_tasks
from mtl_utils.training.choosing import Chooser, mean_improvement
from mtl_utils.training.optimizer import OptimizerFactory


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

    _reset_hint = "Keep this run's lines to compare with, and begin anew with the seed"

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
        self._make_model = check_factory(make_model)
        self._run = LiveRun(
            self._make_columns, data, self.tasks, WeightedSum(), steps=steps, seed=seed,
            arguments={
                "penalty": penalty, "validate_every": validate_every, "batch_size": batch_size, "optimizer": optimizer,
                "schedule": schedule, "choose": choose, "patience": patience, "device": device,
            },
        )  # fmt: skip
        self._begin()
        self._picture = PenaltyPicture([task.name for task in self.tasks], list(self.distances[0]), steps, strengths)
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
        if self.history.steps:
            self._picture.keep(self.history, self.distances, self._strengths)
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
            f"{' Pale lines: the run before.' if self._picture.kept else ''}"
        )

    def _sentences(self, state: str) -> list[str]:
        run = self._run
        progress = words.progress(state, run.history, run.steps, run.seed)
        far = ", ".join(f"{stage} {plain(distance, 2)}" for stage, distance in (self.distances or [{}])[-1].items())
        return [
            f"{progress} λ = {in_words(self.strength)}.{self._waiting_seed()}",
            words.validation(run.history, self.tasks),
            f"Distance between the columns: {far}." if far else "",
        ]
