"""Sample images with every task's prediction and confidence below, for a model that is being steered."""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from torch import Tensor, nn

from mtl_utils.data.split import Split
from mtl_utils.evaluation import predict
from mtl_utils.tasks import Task

_COLUMNS, _LOOKED_AT = 4, 400


class SampleImages:
    """Images in rows of four; below each, one line per task: prediction, confidence as a bar, and whether it is right.

    Args:
        figure: drawn in its right part.
        split: the images.
        colours: one for each task.
    """

    def __init__(self, figure: Figure, split: Split, colours: dict[str, str]) -> None:
        self._split = split
        self._tasks = [task for task in split.tasks if not task.is_per_pixel]
        self._lines: list[tuple[Task, int, Any, Any]] = []
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
            for place, task in enumerate(self._tasks):
                (bar,) = below.plot([], [], color=colours[task.name], linewidth=13, alpha=0.3, solid_capstyle="butt")
                words = below.text(0.02, place + 0.5, "", va="center", fontsize=8.5, color="#111111")
                self._lines.append((task, number, bar, words))

    @property
    def moving(self) -> list[Artist]:
        """What changes from picture to picture."""
        return [artist for _, _, bar, words in self._lines for artist in (bar, words)]

    def update(self, predictions: dict[str, Tensor]) -> str:
        """Show predictions; returns how many are right, in words."""
        counts = dict.fromkeys([task.name for task in self._tasks if task.is_classification], 0)
        for task, number, bar, words in self._lines:
            output, target = predictions[task.name][number], self._split.targets[task.name][number]
            place = self._tasks.index(task) + 0.5
            if task.is_classification:
                confidence, answer = torch.softmax(output, 0).max(0)
                right = int(answer) == int(target)
                counts[task.name] += right
                bar.set_data([0, float(confidence)], [place, place])
                mark = "✓" if right else f"✗({_class(task, int(target))})"
                words.set_text(f"{task.name[:8]}: {_class(task, int(answer))} {mark}  {100 * float(confidence):.0f} %")
            else:
                found, wanted = (", ".join(f"{value:.1f}" for value in values[:2].tolist()) for values in (output, target))
                words.set_text(f"{task.name[:8]}: {found} ({wanted})")
        shown = ", ".join(f"{name} {count}" for name, count in counts.items())
        return f"Right on the {len(self._split)} images shown: {shown}." if counts else ""


def choose_images(model: nn.Module, split: Split, count: int, ends: list[dict[str, float]]) -> Split:
    """Images of which a task's predicted class differs between two preferences; others only if there are too few of them."""
    looked_at = split.subset(slice(0, _LOOKED_AT))
    classes = []
    for preference in ends:
        model.preference = preference  # type: ignore[assignment]
        outputs = predict(model, looked_at)
        classes.append(
            torch.stack([outputs[task.name].argmax(1) for task in split.tasks if task.kind == "classification"])
            if any(task.kind == "classification" for task in split.tasks)
            else torch.zeros(1, len(looked_at))
        )
    changes = (classes[0] != classes[1]).any(0)
    return looked_at.subset(torch.argsort(changes.int(), descending=True, stable=True)[:count])


def _class(task: Task, number: int) -> str:
    if number < 0:
        return "no label"
    return task.class_names[number][:7] if task.class_names else str(number)
