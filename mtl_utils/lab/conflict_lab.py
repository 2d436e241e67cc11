"""A conflict meter on live training: cosines between the tasks' gradients, and a control that tells how much is noise."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import torch

from mtl_utils.analysis.conflict import WHOLE, Conflict, measure_conflict
from mtl_utils.balancing import WeightedSum
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.experiments.way import ModelFactory
from mtl_utils.lab.engine import controls
from mtl_utils.lab.engine.live_panel import LivePanel
from mtl_utils.lab.engine.live_run import LiveRun
from mtl_utils.lab.views.canvas import WHOLE as ALL
from mtl_utils.lab.views.canvas import Canvas, Part
from mtl_utils.lab.widgets.slider import Slider
from mtl_utils.models import MultiTaskModel
from mtl_utils.plotting.axes import tidy
from mtl_utils.plotting.colors import BLACK, GRAY, PURPLE
from mtl_utils.randomness import generator

_KINDS = {"two tasks, one batch": PURPLE, "two tasks, two batches": BLACK, "one task, two batches": GRAY}


class ConflictLab(LivePanel):
    """Left, three cosines over the training steps; right, the same three in each shared part of the network.

    Every few steps two new batches are drawn, and the gradients of two tasks are compared on one batch and on two, and those of
    one task on two batches (the mean over both tasks): the last is the control, for there no task conflicts with another. The
    slider is the weight of the first task in the sum that is descended; it acts on the next step.

    Args:
        make_model: makes an untrained model from a seed.
        split: training images, of two tasks.
        steps: length of a run; *continue* makes it longer by as many.
        speed: steps per second at the beginning: 1, 2, 5, 10, 20, 50, 100, 200, or `math.inf`, as fast as it goes.
        every: steps between two measurements.
        batch_size: images per update, and in each measured batch.
        share: the weight of the first task, from 0 to 1; the second has the rest.
        seed: of the first run.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(256, 100, 100)
        >>> lab = ConflictLab(lambda seed: models.hard_sharing(models.lenet, pairs, seed=seed), pairs.train, batch_size=32)
        >>> lab.run(3)
        >>> lab.close()
    """

    def __init__(
        self,
        make_model: ModelFactory,
        split: MultiTaskDataset,
        *,
        steps: int = 300,
        speed: float = 10.0,
        every: int = 5,
        batch_size: int = 128,
        share: float = 0.5,
        seed: int = 0,
    ) -> None:
        if len(split.tasks) != 2:
            raise ValueError(f"the conflict meter compares two tasks; the split has {[task.name for task in split.tasks]}")
        if not 0 <= share <= 1:
            raise ValueError(f"the weight of the first task must be from 0 to 1, not {share!r}")
        if 2 * batch_size > len(split):
            raise ValueError(f"two batches of {batch_size} images are compared, and the split has only {len(split)}")
        self.tasks, self._split, self._every, self._batch_size = split.tasks, split, every, batch_size
        self._balancer = WeightedSum(self._weights(share))
        self._run = LiveRun(
            make_model, split, split.tasks, self._balancer, steps=steps, seed=seed, arguments={"batch_size": batch_size}
        )
        self._forget()
        super().__init__(Canvas(10.4, 4.0), [self._run], speed=speed)
        first, second = (task.name for task in self.tasks)
        self.slider = Slider(
            f"weight of {first}", share, [place / 20 for place in range(21)], words=lambda value: f"{value:.2f}",
            hint=f"Task {second} has the rest. Acts on the next training step. Arrow keys work, too.",
        )  # fmt: skip
        self.slider.observe(self._slider_moved, "value")
        self._prepare_picture()
        self._show([self._buttons, controls.row(self.slider)])

    @property
    def measured(self) -> list[tuple[int, list[Conflict]]]:
        """The step and all cosines of every measurement of this run."""
        return list(self._measured)

    def cosines(self, where: str = WHOLE) -> dict[str, list[float]]:
        """For each of the three kinds its cosines in a part of the network, measurement by measurement."""
        found = {}
        for kind in _KINDS:
            tasks, batches = kind.startswith("two tasks"), kind.endswith("one batch")
            found[kind] = [
                fmean(each.cosine for each in conflicts
                      if each.where == where and (each.first != each.second) == tasks and each.same_batch == batches)
                for _, conflicts in self._measured
            ]  # fmt: skip
        return found

    def _weights(self, share: float) -> dict[str, float]:
        first, second = (task.name for task in self.tasks)
        return {first: share, second: 1 - share}

    def _slider_moved(self, _: object) -> None:
        self._balancer.weights = self._weights(self.slider.value)
        self.player.touch()

    def _forget(self) -> None:
        self._measured: list[tuple[int, list[Conflict]]] = []
        self._chance = generator(self._run.seed + 1)

    def _restart(self) -> None:
        super()._restart()
        self._forget()

    def _step(self) -> bool:
        return self._run.advance(self._measure)

    def _measure(self) -> None:
        number = len(self.history.steps)
        if number % self._every:
            return
        assert isinstance(self.model, MultiTaskModel)
        order = torch.randperm(len(self._split), generator=self._chance)[: 2 * self._batch_size]
        one, other = (self._split.batch(half) for half in order.chunk(2))
        self._measured.append((number, measure_conflict(self.model, one, other, self.tasks)))

    def _prepare_picture(self) -> None:
        figure = self._canvas.figure
        over_time, parts = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1.5, 1]})
        figure.subplots_adjust(left=0.08, right=0.99, bottom=0.13, top=0.85, wspace=0.32)
        self._over_time = over_time
        tidy(over_time).set(ylim=(-1.03, 1.03), xlabel="training step", ylabel="cosine")
        over_time.set_title("all that is shared", fontsize=11)
        over_time.axhline(0, color=GRAY, linewidth=1)
        self._lines = [
            over_time.plot([], [], "oDs"[i], ls="-", ms=4, color=color, label=kind, linewidth=1.3)[0]
            for i, (kind, color) in enumerate(_KINDS.items())
        ]
        figure.legend(handles=self._lines, loc="upper center", ncols=3, frameon=False, fontsize=10)
        assert isinstance(self.model, MultiTaskModel)
        self._places = [part.name for part in self.model.parts() if len(part.tasks) > 1 and part.size]
        tidy(parts).set(xlim=(-1.03, 1.03), ylim=(len(self._places) - 0.5, -0.5), xlabel="cosine, mean of the last five",
                        yticks=range(len(self._places)), yticklabels=self._places)  # fmt: skip
        parts.set_title("part by part", fontsize=11)
        parts.axvline(0, color=GRAY, linewidth=1)
        self._dots = [parts.plot([], [], "oDs"[i], color=color, markersize=8)[0] for i, color in enumerate(_KINDS.values())]

    def _draw_picture(self) -> None:
        steps = [number for number, _ in self._measured]
        whole = self.cosines()
        for line, values in zip(self._lines, whole.values(), strict=True):
            line.set_data(steps, values)
        latest = [
            [np.mean(values[-5:]) if values else np.nan for values in self.cosines(place).values()] for place in self._places
        ]
        for dots, column in zip(self._dots, np.array(latest).reshape(-1, 3).T, strict=True):
            dots.set_data(column, range(len(self._places)))
        self._over_time.set_xlim(0, 1.02 * self._run.steps)
        content = (id(self.history), len(steps))
        moving = [*self._lines, *self._dots]
        self._canvas.draw([Part(ALL, self._canvas.figure.axes, moving, self._run.steps, content)])

    def _picture_in_words(self) -> str:
        return (
            "Left: three cosines over the training steps, of all that is shared. "
            "Right: the same three in each shared part of the network."
        )

    def _sentences(self, state: str) -> list[str]:
        whole = self.cosines()
        said = ", ".join(f"{kind} {np.mean(values):+.2f}" for kind, values in whole.items()) if self._measured else ""
        below = "; ".join(
            f"{kind} {sum(value < 0 for value in values)} of {len(values)}" for kind, values in whole.items() if values
        )
        return [
            f"{state.capitalize()}, step {len(self.history.steps)} of {self._run.steps}, seed {self._run.seed}."
            f"{self._waiting_seed()}",
            f"Mean cosines so far: {said or 'none measured yet'}.",
            f"Below zero: {below}." if below else "",
        ]
