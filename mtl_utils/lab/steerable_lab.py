"""Sliders without training: a model that was trained for every preference at once walks along its front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

import ipywidgets
from torch import nn

from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.evaluation import Evaluation, evaluate, predict
from mtl_utils.experiments.sweep import SweepPoint
from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.panel import Panel
from mtl_utils.lab.views.canvas import Canvas
from mtl_utils.lab.views.sample_images import SampleImages, choose_images, first_with_labels
from mtl_utils.lab.views.scales import in_words
from mtl_utils.lab.views.steering_plane import SteeringPlane
from mtl_utils.models.forward import check_model_has_tasks
from mtl_utils.plotting.colors import task_colors

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

    Args:
        model: a trained steerable model, such as a `models.ParetoManifold`.
        split: images that it was not trained on; the first thousand are used (where labels are missing, a thousand among
            which every task has its share of labels).
        sweep: runs with constant weights, made beforehand by `sweep_weights`, for comparison.

    Raises:
        ValueError: in words, if the model cannot be steered or has no head for a task.
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
        start = self._steerable.preference = dict.fromkeys(names, 1 / len(names))
        colors = task_colors(names)
        along = self._positions(names)
        curve = [self._measure(each) for each in along]
        self._samples = choose_images(model, self._split, _IMAGES, [along[0], along[-1]])
        super().__init__(Canvas(10, 4.6), lines=2)
        self._plane = SteeringPlane(self._canvas.figure, self.tasks, colors, curve, sweep, line=len(names) == 2)
        self._images = SampleImages(self._canvas.figure, self._samples, colors)
        self._add_sliders(names, start, colors)
        self._draw()

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
        if len(names) == 2:
            first, second = names
            self.sliders = [
                ipywidgets.FloatSlider(
                    value=0.5, min=0, max=1, step=1 / _POSITIONS, readout_format=".2f", description=f"{first}  ⟷  {second}",
                    tooltip=f"0: all for {first}; 1: all for {second}. No training happens. Arrow keys work, too.",
                    style={"description_width": "150px"}, layout={"width": "560px"},
                )
            ]  # fmt: skip
        else:
            self.sliders = [
                ipywidgets.FloatSlider(
                    value=start[name], min=0, max=1, step=1 / _POSITIONS, readout_format=".2f", description=name,
                    tooltip=f"How much task {name} counts, beside the others. No training happens.",
                    style={"handle_color": colors[name], "description_width": "100px"}, layout={"width": "330px"},
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

    def _draw(self) -> None:
        if self._closed:
            return
        preference = self._from_sliders()
        measured = self._measure(preference)
        self._steerable.preference = preference
        predictions = predict(self._model, self._samples)
        right = self._images.update(predictions)
        self._plane.update(measured)
        self._canvas.draw([*self._plane.moving, *self._images.moving], ())
        shares = ", ".join(f"{name} {share:.2f}" for name, share in preference.items())
        reached = ", ".join(f"{task.name} {in_words(task, measured.metrics[task.name])}" for task in self.tasks)
        self._status.say([f"Preference: {shares}. On {len(self._split):,} images: {reached}.", right])
