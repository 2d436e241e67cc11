"""The live lab: a slider per loss weight, on a training that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, cast

from torch import nn

from mtl_utils.balancing import Balancer, WeightedSum
from mtl_utils.data.split import Batch, MultiTaskData, Split
from mtl_utils.evaluation import tasks_of
from mtl_utils.history import History
from mtl_utils.lab import controls, words
from mtl_utils.lab.live_run import LiveRun, ModelFactory
from mtl_utils.lab.panel import LivePanel
from mtl_utils.lab.picture import Picture
from mtl_utils.lab.probe import Pull, measure_pull
from mtl_utils.plotting.colours import task_colours
from mtl_utils.sweeping import SweepPoint
from mtl_utils.tasks import Task, check_tasks
from mtl_utils.training import Data

_PROBE = 64  # images on which gradients are compared; enough for a sign and a rough length


class Weighable(Protocol):
    """A balancer whose weights may be assigned while training runs, such as `WeightedSum` or `SmoothTchebycheff`."""

    @property
    def weights(self) -> dict[str, float]: ...
    @weights.setter
    def weights(self, weights: Mapping[str, float]) -> None: ...


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
        steps: length of a run.
        validate_every: steps between validations, each a point of the path.
        sweep: runs with constant weights, made beforehand by `sweep_weights`, shown behind.
        seed: of the first run.
        tasks: the tasks, if the data do not say.
        arguments: what else `train` takes, such as `batch_size` or `optimizer`.

    Raises:
        ValueError: in words, for a single task, unsuitable weights, or a model without a head for a task.

    Example, without Jupyter::

        lab = LossWeightLab(lambda seed: hard_sharing(lenet, data, seed=seed), data)
        lab.run(50)
        lab.weights = {"left": 0.9, "right": 0.1}
        lab.run(50)
    """

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
        validate_every: int = 20,
        sweep: Sequence[SweepPoint] = (),
        seed: int = 0,
        tasks: Sequence[Task] | None = None,
        **arguments: Any,
    ) -> None:
        self.tasks = check_tasks(tasks if tasks is not None else tasks_of(data))
        names = [task.name for task in self.tasks]
        if len(names) < 2:
            raise ValueError(f"a lab on loss weights needs two tasks or more, there is only '{names[0]}'")
        start = {name: 1 / len(names) for name in names} if weights is None else dict(weights)
        self.balancer = balancer if balancer is not None else WeightedSum(start)
        if not hasattr(type(self.balancer), "weights"):
            raise ValueError(
                f"{type(self.balancer).__name__} has no weights that sliders could move; take WeightedSum, "
                "SmoothTchebycheff, or a balancer of your own with such a property"
            )
        self._weighable = cast(Weighable, self.balancer)
        self.balancer.prepare(names)  # so that a wrong name is found now
        self._weighable.weights = start
        self._limits = _limits(limits, scale, start)
        arguments = {"validate_every": validate_every, **arguments}
        self._run = LiveRun(make_model, data, self.tasks, self.balancer, steps=steps, seed=seed, arguments=arguments)
        self._probe = _probe_batch(data)
        self._pull = Pull()
        self._mistake = ""
        self.kept: list[SweepPoint] = []
        self._picture = Picture(self.tasks, steps, self._limits, sweep)
        super().__init__(self._picture.canvas, seed=seed)
        self._add_controls(start, logarithmic=scale == "logarithmic")
        self._draw()

    @property
    def weights(self) -> dict[str, float]:
        """The weights now in force. Assign a dictionary to move the sliders."""
        return self._weighable.weights

    @weights.setter
    def weights(self, weights: Mapping[str, float]) -> None:
        low, high = self._limits
        for name, weight in weights.items():
            if weight > high or 0 <= weight < low:
                raise ValueError(f"task '{name}': the slider goes from {low:g} to {high:g}, not to {weight!r}; see `limits`")
        self._weighable.weights = dict(weights)  # raises, in words, before any slider moves
        for name, weight in weights.items():
            self.sliders[name].unobserve(self._slider_moved, "value")
            self.sliders[name].value = weight
            self.sliders[name].observe(self._slider_moved, "value")
        self._mistake = ""
        self.player.touch()

    @property
    def history(self) -> History:
        """What happened in this run so far."""
        return self._run.history

    @property
    def pull(self) -> Pull:
        """How hard each task pulled on the shared parameters at the latest validation."""
        return self._pull

    @property
    def model(self) -> nn.Module:
        """The model of this run."""
        return self._run.model

    def run(self, steps: int) -> None:
        """Exactly so many steps (fewer at the end of a run), here and now: for *Restart and run all*, and for tests.

        Raises:
            Exception: whatever stopped the training.
        """
        super().run(steps)
        if self._run.error is not None:
            raise self._run.error

    def forget(self) -> None:
        """Remove the earlier runs from the plane."""
        self.kept.clear()
        self.player.touch()

    def _add_controls(self, start: dict[str, float], *, logarithmic: bool) -> None:
        names = list(start)
        colours = task_colours(names)
        self.sliders = {
            name: controls.weight_slider(name, value, self._limits, logarithmic=logarithmic, colour=colours[name])
            for name, value in start.items()
        }
        for slider in self.sliders.values():
            slider.observe(self._slider_moved, "value")
        self.plane_choice = controls.choice(
            "plane of", [("metrics", "metric"), ("losses", "loss")], "What the plane on the right shows", width=170
        )
        self.x_choice = controls.choice("across", names, "The task along the horizontal axis", width=150)
        self.y_choice = controls.choice("up", names, "The task along the vertical axis", width=150)
        self.y_choice.value = names[1]
        self.forget_button = controls.button("trash", "forget", "Remove the earlier runs from the plane")
        self.forget_button.on_click(lambda _: self.player.hand_over(self.forget))
        for each in (self.plane_choice, self.x_choice, self.y_choice):
            each.observe(lambda _: self._choose_plane(), "value")
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

    def _release(self) -> None:
        self._run.close()

    def _finished(self) -> bool:
        return self._run.finished

    def _step(self) -> bool:
        more = self._run.advance()
        steps = self._run.history.steps
        if steps and steps[-1].validation is not None and self._probe is not None and not self._run.problem:
            self._pull = measure_pull(self._run.model, self._probe, self.tasks)
        if not more:
            self._keep()
        return more

    def _restart(self) -> None:
        self._keep()
        self._pull = Pull()
        try:
            self._run.restart(self.seed.value)
        except Exception as error:  # a model factory of one's own may raise anything; shown, and the next reset tries again
            self._run.problem = f"no new model: {error}"

    def _keep(self) -> None:
        """Make the end of this run a point of the plane, once."""
        validated = self._run.history.validations
        if validated and not (self.kept and self.kept[-1].evaluation is validated[-1].validation):
            assert validated[-1].validation is not None
            self.kept.append(SweepPoint(self.weights, self._run.seed, validated[-1].validation))

    def _draw(self) -> None:
        if self._closed:
            return
        run, weights = self._run, self.weights
        self._picture.draw(run.history, self.kept, self._pull, weights)
        state = self._state(finished=run.finished, problem=bool(run.problem))
        waiting = f" Seed {self.seed.value} takes effect with the next reset." if self.seed.value != run.seed else ""
        self._status.say(
            [
                f"{words.progress(state, run.history, run.steps, run.seed)} {words.weights(weights)}{waiting}",
                words.validation(run.history, self.tasks),
                words.pull(self._pull, weights),
            ],
            (f"{run.problem}. Reset begins anew." if run.problem else "") or self._mistake or self._notice,
        )


def _limits(limits: tuple[float, float] | None, scale: str, start: Mapping[str, float]) -> tuple[float, float]:
    """Lowest and highest weight of a slider; a `ValueError` in words if they cannot be."""
    if scale not in ("linear", "logarithmic"):
        raise ValueError(f"scale must be 'linear' or 'logarithmic', not {scale!r}")
    low, high = limits if limits is not None else (0.0, 1.0) if scale == "linear" else (1e-3, 1e3)
    if not 0 <= low < high < float("inf") or (scale == "logarithmic" and low == 0):
        raise ValueError(f"limits must be two numbers, 0 ≤ low < high (and 0 < low on a logarithmic scale), not {(low, high)}")
    for name, weight in start.items():
        if not low <= weight <= high:
            raise ValueError(f"task '{name}': the slider goes from {low:g} to {high:g}, not to {weight!r}; see `limits`")
    return low, high


def _probe_batch(data: Data) -> Batch | None:
    """A few training images on which to compare gradients; none if that would mean reading through an iterable."""
    split = data.train if isinstance(data, MultiTaskData) else data
    return split.batch(slice(0, _PROBE)) if isinstance(split, Split) else None
