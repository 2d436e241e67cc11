"""The live lab: a slider per loss weight, on a training that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mtl_utils.analysis.pull import Pull, measure_pull
from mtl_utils.balancing import Balancer, WeightedSum
from mtl_utils.datasets.batches import Data, tasks_of, training_data
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.evaluation import predict
from mtl_utils.experiments.sweep import SweepPoint
from mtl_utils.experiments.way import ModelFactory
from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.live_panel import LivePanel
from mtl_utils.lab.engine.live_run import LiveRun
from mtl_utils.lab.engine.weighing import Weighable, check_within, slider_limits
from mtl_utils.lab.views import former_run, words
from mtl_utils.lab.views.former_run import FormerRun
from mtl_utils.lab.views.picture import Picture
from mtl_utils.plotting.colors import task_colors
from mtl_utils.tasks import Batch, Task, check_tasks
from mtl_utils.training.choosing import Chooser, mean_improvement
from mtl_utils.training.optimizer import OptimizerFactory

_SAMPLE_EVERY = 5  # steps between pictures of the samples
_PROBE = 64  # images on which gradients are compared; enough for a sign and a rough length


class LossWeightLab(LivePanel):
    """Sliders on a training that runs. Put it last in a cell to see it.

    It trains with the library's one loop, `mtl_utils.training.train`. Whatever is moved acts on the next step.

    Args:
        make_model: makes an untrained model from a seed, such as `lambda seed: hard_sharing(lenet, data, seed=seed)`.
        data: a data set (validated on its `val` split), or whatever else `train` takes, two tasks or more.
        weights: where the sliders start; all 1/T by default.
        limits: lowest and highest weight of a slider.
        scale: `linear`, or `logarithmic` for losses of very different sizes (the lowest weight must then be above 0).
        balancer: what the weights go into; `WeightedSum` by default.
        steps: length of a run; *continue* makes it longer by as many.
        speed: steps per second at the beginning: 1, 2, 5, 10, 20, 50, 100, 200, or `math.inf`, as fast as it goes.
        sweep: runs with constant weights, made beforehand by `sweep_weights`, shown behind.
        samples: two or three frames of tasks with maps of answers (boxes, classes or depths per pixel). What the network finds
            in them is drawn below the picture and follows the training.
        validate_every: steps between validations, each a point of the path.
        seed: of the first run.
        batch_size, optimizer, schedule, penalty, val, choose, patience, tasks, device: see `mtl_utils.training.train`. A
            schedule must be one that can go on after `steps`, if *continue* is to be used.

    Raises:
        ValueError: in words, for a single task, unsuitable weights, a seed that is not from 0 to a million, or a model without
            a head for a task.

    Example, without Jupyter::

        lab = LossWeightLab(lambda seed: hard_sharing(lenet, data, seed=seed), data)
        lab.run(50)
        lab.weights = {"left": 0.9, "right": 0.1}
        lab.run(50)

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(256, 100, 100)
        >>> lab = LossWeightLab(lambda seed: models.hard_sharing(models.lenet, pairs, seed=seed), pairs, batch_size=32)
        >>> lab.run(3)
        >>> len(lab.history.steps)
        3
        >>> lab.close()
    """

    _reset_hint = "Keep this run to compare with, and begin anew with the seed"

    def __init__(
        self,
        make_model: ModelFactory,
        data: Data,
        *,
        weights: Mapping[str, float] | None = None,
        limits: tuple[float, float] | None = None,
        scale: Literal["linear", "logarithmic"] = "linear",
        balancer: Balancer | None = None,
        steps: int = 600,
        speed: float = 10.0,
        sweep: Sequence[SweepPoint] = (),
        samples: MultiTaskDataset | None = None,
        validate_every: int = 20,
        seed: int = 0,
        batch_size: int = 256,
        optimizer: OptimizerFactory | None = None,
        schedule: Callable[[Optimizer], LRScheduler] | None = None,
        penalty: Callable[[nn.Module], Tensor] | None = None,
        val: MultiTaskDataset | Iterable[Batch] | None = None,
        choose: Chooser = mean_improvement,
        patience: int | None = None,
        tasks: Sequence[Task] | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        self.tasks = check_tasks(tasks if tasks is not None else tasks_of(data))
        names = [task.name for task in self.tasks]
        if len(names) < 2:
            raise ValueError(f"a lab on loss weights needs two tasks or more, there is only '{names[0]}'")
        start = {name: 1 / len(names) for name in names} if weights is None else weights
        self.balancer = balancer if balancer is not None else WeightedSum(start)
        if not hasattr(type(self.balancer), "weights"):
            raise ValueError(
                f"{type(self.balancer).__name__} has no weights that sliders could move; take WeightedSum, "
                "SmoothTchebycheff, or a balancer of your own with such a property"
            )
        self._weighable = cast(Weighable, self.balancer)
        self.balancer.prepare(names)  # so that a wrong name is found now
        self._weighable.weights = start
        start = self.weights  # as plain numbers, now that they are known to be some
        self._limits = slider_limits(limits, scale, start)
        self._run = LiveRun(
            make_model, data, self.tasks, self.balancer, steps=steps, seed=seed,
            arguments={
                "validate_every": validate_every, "batch_size": batch_size, "optimizer": optimizer, "schedule": schedule,
                "penalty": penalty, "val": val, "choose": choose, "patience": patience, "device": device,
            },
        )  # fmt: skip
        self._probe = training_data(data, self.tasks).train.sample(_PROBE)
        self._pull = Pull()
        self._validated_weights = dict(start)
        self._mistake = ""
        self.kept: list[SweepPoint] = []
        self._former: list[FormerRun] = []
        self._samples = samples
        self._found = ""  # in the samples
        self._picture = Picture(self.tasks, steps, self._limits, sweep, samples)
        super().__init__(self._picture.canvas, [self._run], speed=speed)
        self._add_controls(start, logarithmic=scale == "logarithmic")

    @property
    def weights(self) -> dict[str, float]:
        """The weights now in force. Assign a dictionary to move the sliders."""
        return self._weighable.weights

    @weights.setter
    def weights(self, weights: Mapping[str, float]) -> None:
        check_within(self._limits, weights)
        self._weighable.weights = weights  # raises, in words, before any slider moves
        for name, weight in self.weights.items():
            self.sliders[name].unobserve(self._slider_moved, "value")
            self.sliders[name].value = weight
            self.sliders[name].observe(self._slider_moved, "value")
        self._mistake = ""
        self.player.touch()

    @property
    def pull(self) -> Pull:
        """How hard each task pulled on the shared parameters at the latest validation."""
        return self._pull

    def forget(self) -> None:
        """Remove the earlier runs."""
        self.kept.clear()
        self._former.clear()
        self._picture.set_former([])
        self.player.touch()

    def _add_controls(self, start: dict[str, float], *, logarithmic: bool) -> None:
        names = list(start)
        colors = task_colors(names)
        self.sliders = {
            name: controls.weight_slider(name, value, self._limits, logarithmic=logarithmic, color=colors[name])
            for name, value in start.items()
        }
        for slider in self.sliders.values():
            slider.observe(self._slider_moved, "value")
        self.plane_choice = controls.choice(
            "plane of", [("metrics", "metric"), ("losses", "loss")], "What the plane on the right shows", width=150
        )
        self.x_choice = controls.choice("across", names, "The task along the horizontal axis", width=150)
        self.y_choice = controls.choice("up", names, "The task along the vertical axis", width=150)
        self.y_choice.value = names[1]
        self.forget_button = controls.button("trash", "forget", "Remove the earlier runs from the picture")
        self.forget_button.on_click(lambda _: self._click("forget", self.forget))
        for each in (self.plane_choice, self.x_choice, self.y_choice):
            each.observe(lambda _: self.player.hand_over(self._choose_plane), "value")
        if len(names) == 2:  # nothing to choose from
            self.x_choice.layout.display = self.y_choice.layout.display = "none"
        more = (self.plane_choice, self.x_choice, self.y_choice, self.forget_button)
        self._buttons.children = (*self._buttons.children, *more)
        self._show([self._buttons, controls.row(*self.sliders.values())])

    def _slider_moved(self, _: object) -> None:
        # May come on another thread. One assignment of a whole dictionary: the loop sees the old weights or the new.
        try:
            self._weighable.weights = {name: slider.value for name, slider in self.sliders.items()}
            self._mistake = ""
        except ValueError as error:
            self._mistake = f"{error}. The last weights stay in force."
        self.player.touch()

    def _choose_plane(self) -> None:
        self._picture.plane.choose(self.x_choice.value, self.y_choice.value, self.plane_choice.value)
        self.player.touch()

    def _step(self) -> bool:
        weights = self.weights
        more = self._run.advance(lambda: self._measure(weights))
        if self._samples is not None and self.history.steps and len(self.history.steps) % _SAMPLE_EVERY == 0:
            self._show_samples(self._samples)
        return more

    def _show_samples(self, samples: MultiTaskDataset) -> None:
        outputs = predict(self.model, samples)
        view = self._picture.samples
        assert view is not None
        view.update(outputs)
        self._found = view.words(outputs)

    def _measure(self, weights: dict[str, float]) -> None:
        if self.history.steps[-1].validation is not None:
            self._validated_weights = weights
            if self._probe is not None:
                self._pull = measure_pull(self.model, self._probe, self.tasks)

    def _restart(self) -> None:
        self._keep()
        self._pull = Pull()
        self._found = ""
        if self._picture.samples is not None:
            self._picture.samples.clear()
        super()._restart()

    def _keep(self) -> None:
        """Make the end of this run a point of the plane, and keep its lines; of the latest runs only."""
        history = self.history
        if not history.validations or history.validations[-1].validation is None:
            return
        self.kept.append(SweepPoint(self._validated_weights, self._run.seed, history.validations[-1].validation))
        self._former = self._former[1 - former_run.MOST :]
        free = next(style for style in range(former_run.MOST) if style not in [run.style for run in self._former])
        self._former.append(FormerRun(former_run.named_by_weights(history), history, free))
        self._picture.set_former(self._former)

    def _draw_picture(self) -> None:
        run = self._run
        self._picture.draw(run.history, self.kept, self._pull, self.weights, run.steps)

    def _picture_in_words(self) -> str:
        names = " and ".join(f"'{name}'" for name in (self.x_choice.value, self.y_choice.value))
        kept = "; ".join(run.name for run in self._former)
        return (
            f"Left: losses, metrics and loss weights over the steps. Right: the path of this run in the plane of {names}, "
            f"and bars for the pull of each task.{f' Earlier runs: {kept}.' if kept else ''}"
        )

    def _sentences(self, state: str) -> list[str]:
        run, weights = self._run, self.weights
        return [
            f"{words.progress(state, run.history, run.steps, run.seed)} {words.weights(weights)}{self._waiting_seed()}",
            words.validation(run.history, self.tasks),
            f"{words.pull(self._pull, weights)} {self._found}".rstrip(),
        ]

    def _remark(self) -> str:
        return self._mistake or super()._remark()
