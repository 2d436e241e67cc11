"""Sliders without training: a model that was trained for every preference at once walks along its front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from torch import nn

from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.evaluation import Evaluation, evaluate, predict
from mtl_utils.experiments.sweep import SweepPoint
from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.panel import Panel
from mtl_utils.lab.views.canvas import Canvas, Part
from mtl_utils.lab.views.sample_images import SampleImages, choose_images, first_with_labels
from mtl_utils.lab.views.scales import in_words
from mtl_utils.lab.views.steering_plane import SteeringPlane
from mtl_utils.lab.widgets.slider import Slider
from mtl_utils.models.forward import check_model_has_tasks
from mtl_utils.plotting.colors import task_colors, text_color

_POSITIONS = 20  # steps of the slider from one end to the other
_IMAGES = 8
_MEASURED = 1000  # images on which each position is measured


class Steerable(Protocol):
    """A model with a preference that may be assigned, such as `models.ParetoManifold`."""

    @property
    def preference(self) -> dict[str, float]: ...
    @preference.setter
    def preference(self, preference: dict[str, float]) -> None: ...


class SteerableLab(Panel):
    """A slider (for more than two tasks, one each) for the preference; the point on the front and the predictions follow.

    Of two tasks, the slider's right end is all for the second one, whose metric is across: the point moves as the slider does.

    Args:
        model: a trained steerable model, such as a `models.ParetoManifold`.
        split: images that it was not trained on; the first thousand are used (where labels are missing, a thousand among
            which every task has its share of labels).
        sweep: runs with constant weights, made beforehand by `sweep_weights`, for comparison.

    Raises:
        ValueError: in words, if the model cannot be steered or has no head for a task.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(60, 20, 20)
        >>> model = models.pareto_manifold(lambda seed: models.hard_sharing(models.lenet, pairs, seed=seed))  # train it first
        >>> lab = SteerableLab(model, pairs.val)
        >>> 'left 0.50, right 0.50' in lab.description  # where the slider stands at the beginning
        True
        >>> lab.close()
    """

    def __init__(self, model: nn.Module, split: MultiTaskDataset, *, sweep: Sequence[SweepPoint] = ()) -> None:
        if not isinstance(getattr(model, "preference", None), dict):
            raise ValueError(f"{type(model).__name__} cannot be steered: it has no preference; see models.ParetoManifold")
        check_model_has_tasks(model, split.tasks)
        self._model, self._split = model, first_with_labels(split, _MEASURED)
        self._steerable = cast(Steerable, model)
        self.tasks = split.tasks
        names = [task.name for task in self.tasks]
        if set(self._steerable.preference) != set(names):
            raise ValueError(
                f"the model is steered among {list(self._steerable.preference)}, the images have the tasks {names}"
            )
        self._measured: dict[tuple[float, ...], Evaluation] = {}
        self._drawn: dict[tuple[float, ...], tuple[bytes, list[str]]] = {}  # pictures and words: the model does not change
        self._said: list[str] = []
        start = self._steerable.preference = dict.fromkeys(names, 1 / len(names))
        colors = task_colors(names)
        along = self._positions(names)
        curve = [self._measure(each) for each in along]
        self._samples = choose_images(model, self._split, _IMAGES, [along[0], along[-1]])
        super().__init__(Canvas(10, 4.6), lines=3)
        self._plane = SteeringPlane(self._canvas.figure, self.tasks, colors, curve, sweep, line=len(names) == 2)
        self._images = SampleImages(self._canvas.figure, self._samples, colors)
        for each in along:  # so that a moved slider only shows what is there
            self._draw_at(each)
        self._add_sliders(names, start, colors)

    @property
    def preference(self) -> dict[str, float]:
        """The preference now in use. Assign a dictionary to move the slider; of two tasks, to the nearest of its places."""
        return self._steerable.preference

    @preference.setter
    def preference(self, preference: dict[str, float]) -> None:
        self._steerable.preference = preference  # checks, and raises in words
        checked = self._steerable.preference
        if len(self.tasks) == 2:
            self.sliders[0].value = round(checked[self.tasks[1].name] * _POSITIONS) / _POSITIONS
        else:
            for slider, task in zip(self.sliders, self.tasks, strict=True):
                slider.value = checked[task.name]
        self._steerable.preference = self._from_sliders()  # also where the slider stays where it is

    def _positions(self, names: list[str]) -> list[dict[str, float]]:
        """All positions of the one slider of two tasks; the corners and the middle for more."""
        if len(names) == 2:
            return [{names[0]: 1 - i / _POSITIONS, names[1]: i / _POSITIONS} for i in range(_POSITIONS + 1)]
        corners = [{name: float(name == corner) for name in names} for corner in names]
        return [*corners, dict.fromkeys(names, 1 / len(names))]

    def _measure(self, preference: dict[str, float]) -> Evaluation:
        key = tuple(round(share, 3) for share in preference.values())
        if key not in self._measured:
            self._steerable.preference = preference
            self._measured[key] = evaluate(self._model, self._split)
        return self._measured[key]

    def _add_sliders(self, names: list[str], start: dict[str, float], colors: dict[str, str]) -> None:
        places = [place / _POSITIONS for place in range(_POSITIONS + 1)]
        if len(names) == 2:
            first, second = names
            self.sliders = [
                Slider(
                    f"{first} ⟷ {second}", 0.5, places,
                    words=lambda share: f"{first} {1 - share:.2f}, {second} {share:.2f}",
                    hint=f"Left end: all for {first}; right end: all for {second}. No training happens. Arrow keys work, too.",
                )
            ]  # fmt: skip
        else:
            self.sliders = [
                Slider(
                    name, start[name], places, words=lambda share: f"{share:.2f}", color=text_color(colors[name]),
                    hint=f"How much task {name} counts, beside the others. No training happens.",
                )
                for name in names
            ]  # fmt: skip
        for slider in self.sliders:
            slider.observe(lambda _: self.player.touch(), "value")
        self._show([controls.row(*self.sliders)])

    def _from_sliders(self) -> dict[str, float]:
        values = [slider.value for slider in self.sliders]
        names = [task.name for task in self.tasks]
        if len(names) == 2:
            return {names[0]: 1 - values[0], names[1]: values[0]}
        total = sum(values)
        return {name: value / total if total else 1 / len(names) for name, value in zip(names, values, strict=True)}

    def _draw_picture(self) -> None:
        preference = self._from_sliders()
        self._steerable.preference = preference
        if tuple(preference.values()) not in self._drawn:
            self._draw_at(preference)
        self._canvas.png, self._said = self._drawn[tuple(preference.values())]

    def _draw_at(self, preference: dict[str, float]) -> None:
        """Draw a preference's picture, find its words, and keep both."""
        measured = self._measure(preference)
        self._steerable.preference = preference
        right = self._images.update(predict(self._model, self._samples))
        self._plane.update(measured)
        now = tuple(preference.values())
        self._canvas.draw(
            [
                Part((0.0, 0.0, 0.46, 1.0), [self._plane.axes], self._plane.moving, (), now),
                Part((0.46, 0.0, 1.0, 1.0), self._images.axes, self._images.moving, (), now),
            ]
        )
        shares = ", ".join(f"{name} {share:.2f}" for name, share in preference.items())
        reached = ", ".join(f"{task.name} {in_words(task, measured.metrics[task.name])}" for task in self.tasks)
        said = [f"Preference: {shares}. On {len(self._split):,} images: {reached}.", right]
        self._drawn[now] = (self._canvas.png, said)

    def _picture_in_words(self) -> str:
        across, up = self._plane.across
        return (
            f"Left: the model's front in the plane of '{across}' (across) and '{up}' (up), with a point where the slider is. "
            f"Right: {len(self._samples)} images with the model's predictions."
        )

    def _words(self) -> tuple[list[str], str, bool]:
        return self._said, "", False
