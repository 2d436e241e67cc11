"""Sample images with every task's prediction and confidence below, for a model that is being steered."""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.evaluation import predict
from mtl_utils.plotting.images import class_name
from mtl_utils.tasks import Task

_COLUMNS, _LOOKED_AT = 4, 400


class SampleImages:
    """Images in rows of four; below each, one line per task: prediction, confidence as a bar, and whether it is right.

    Args:
        figure: drawn in its right part.
        split: the images.
        colors: one for each task.
    """

    def __init__(self, figure: Figure, split: MultiTaskDataset, colors: dict[str, str]) -> None:
        self._split = split
        self._tasks = [task for task in split.tasks if task.stride is None]
        self._lines: list[tuple[Task, int, Any, Any]] = []
        self.axes: list[Axes] = []
        rows = -(-len(split) // _COLUMNS)
        left, width, height = 0.49, 0.5 / _COLUMNS, 0.97 / rows
        line = 0.052
        for number in range(len(split)):
            x = left + number % _COLUMNS * width
            top = 0.985 - number // _COLUMNS * height
            side = height - 0.025 - line * len(self._tasks)
            ax = figure.add_axes((x + 0.008, top - side, width - 0.016, side))
            picture = split.images[number].permute(1, 2, 0).numpy()
            ax.imshow(picture.squeeze(-1) if picture.shape[-1] == 1 else picture[..., :3], cmap="gray")
            ax.set_anchor("S")
            ax.set_axis_off()
            below = figure.add_axes(
                (x + 0.008, top - side - line * len(self._tasks) - 0.004, width - 0.016, line * len(self._tasks))
            )
            below.set(xlim=(0, 1), ylim=(len(self._tasks), 0))
            below.set_axis_off()
            self.axes += [ax, below]
            for place, task in enumerate(self._tasks):
                (bar,) = below.plot([], [], color=colors[task.name], linewidth=13, alpha=0.3, solid_capstyle="butt")
                words = below.text(0.02, place + 0.5, "", va="center", fontsize=8, color="#111111", clip_on=True)
                self._lines.append((task, number, bar, words))

    @property
    def moving(self) -> list[Artist]:
        """What changes from picture to picture."""
        return [artist for _, _, bar, words in self._lines for artist in (bar, words)]

    def update(self, predictions: dict[str, Tensor]) -> str:
        """Show predictions; returns how many are right (of those with a label), in words."""
        judged: dict[str, list[bool]] = {task.name: [] for task in self._tasks if task.is_classification}
        for task, number, bar, words in self._lines:
            output, target = predictions[task.name][number], self._split.targets[task.name][number]
            place = self._tasks.index(task) + 0.5
            labelled = bool(task.labelled(target).any())
            if task.is_classification:
                confidence, answer = torch.softmax(output, 0).max(0)
                bar.set_data([0, float(confidence)], [place, place])
                mark = "(?)"
                if labelled:
                    right = int(answer) == int(target)
                    judged[task.name].append(right)
                    mark = "✓" if right else f"✗({_short(task, target)})"
                words.set_text(f"{_short_name(task.name)}: {_short(task, answer)} {mark}  {100 * float(confidence):.0f} %")
            else:
                found, wanted = (", ".join(f"{value:.1f}" for value in values[:2].tolist()) for values in (output, target))
                words.set_text(f"{_short_name(task.name)}: {found} ({wanted if labelled else '?'})")
        shown = ", ".join(
            f"{name} {sum(each)}" + (f" of {len(each)} with a label" if len(each) < len(self._split) else "")
            for name, each in judged.items()
        )
        return f"Correct on the {len(self._split)} images shown: {shown}." if judged else ""


def choose_images(model: nn.Module, split: MultiTaskDataset, count: int, ends: list[dict[str, float]]) -> MultiTaskDataset:
    """Images of which a task's predicted class differs between two preferences; others only if there are too few of them.

    Every task has its share of labels among them (see `first_with_labels`).
    """
    looked_at = first_with_labels(split, _LOOKED_AT)
    asked = [task for task in split.tasks if task.is_classification and task.stride is None]
    classes = []
    for preference in ends:
        model.preference = preference  # type: ignore[assignment]
        outputs = predict(model, looked_at)
        answers = [outputs[task.name].argmax(1) for task in asked]
        classes.append(torch.stack(answers) if answers else torch.zeros(1, len(looked_at)))
    changes = (classes[0] != classes[1]).any(0)
    return first_with_labels(looked_at, count, torch.argsort(changes.int(), descending=True, stable=True))


def first_with_labels(split: MultiTaskDataset, count: int, order: Tensor | None = None) -> MultiTaskDataset:
    """The first `count` images, in an order of preference, among which each of T tasks has count/T labels if there are so many.

    The first ones of all where every image has every label. Otherwise there might be no label of a task among them at all.

    Args:
        split: where they come from; every task has a label somewhere.
        count: how many; more only if there are more tasks than that.
        order: `[N]`, indices of all images; as they are stored by default.
    """
    order = torch.arange(len(split)) if order is None else order
    needed: set[int] = set()
    for task in split.tasks:
        labelled = task.labelled(split.targets[task.name]).reshape(len(split), -1).any(1)[order]
        needed |= set(torch.nonzero(labelled).flatten()[: max(count // len(split.tasks), 1)].tolist())
    others = [place for place in range(len(split)) if place not in needed]
    return split.subset(order[sorted([*needed, *others[: max(count - len(needed), 0)]])])


def _short(task: Task, number: Tensor) -> str:
    return class_name(task, int(number))[:7]


def _short_name(name: str) -> str:
    return name if len(name) <= 7 else f"{name[:6]}…"
