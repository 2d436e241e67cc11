"""Sample frames with what a network finds in them: boxes and motion on the frame, and a map for every task per pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch import Tensor

from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.datasets.moving_scenes.boxes import Detections, decode
from mtl_utils.datasets.moving_scenes.tasks import Detection
from mtl_utils.plotting.colors import text_color
from mtl_utils.plotting.scenes import CLASS_COLORS
from mtl_utils.tasks import Task

_THRESHOLD = 0.3
_LONGER = 4  # an arrow is so many times as long as the motion
_OUTLINE = [patheffects.withStroke(linewidth=2.6, foreground="#000000aa")]


class MapSamples:
    """Frames in a row; of each the frame with boxes and arrows, and beside it a small map per task per pixel.

    Labels stand behind the predictions as thin white lines.

    Args:
        figure: drawn in its lower part.
        top: how much of the figure's height is theirs, 0 to 1.
        split: the frames, two or three.
        colors: one for each task.

    Raises:
        ValueError: if no task of the split has a map of answers.
    """

    def __init__(self, figure: Figure, top: float, split: MultiTaskDataset, colors: Mapping[str, str]) -> None:
        tasks = [task for task in split.tasks if task.stride is not None]
        if not tasks:
            raise ValueError(f"samples= shows maps of answers, and none of the tasks {list(split.targets)} has one")
        self._split, self._tasks, self._colors = split, tasks, colors
        self._detection = next((task for task in tasks if isinstance(task, Detection)), None)
        self._motion = next((task for task in tasks if task.kind == "grid regression" and task.output_size == 2), None)
        self._maps = [task for task in tasks if task.is_per_pixel]
        self.axes: list[Axes] = []
        self._lines: list[dict[str, Any]] = []
        self._pictures: list[dict[str, Any]] = []
        self.updates = 0
        width = 1 / len(split) / (1 + len(self._maps))
        for number in range(len(split)):
            first = number * (1 + len(self._maps))
            ax = self._new_axes(figure, first * width, width, top, "boxes and motion" if self._detection else "frame")
            picture = split.images[number].permute(1, 2, 0).numpy()
            ax.imshow(picture[..., :3] if picture.shape[-1] >= 3 else picture[..., 0], cmap="gray")
            self._show_labels(ax, number)
            lines = {}
            for task in (self._detection, self._motion):
                if task is not None:
                    (lines[task.name],) = ax.plot([], [], color=colors[task.name], linewidth=2, path_effects=_OUTLINE)
            self._lines.append(lines)
            pictures = {}
            for place, task in enumerate(self._maps, start=first + 1):
                ax = self._new_axes(figure, place * width, width, top, task.name)
                ax.title.set_color(text_color(colors[task.name]))
                pictures[task.name] = _empty_map(ax, task, split)
            self._pictures.append(pictures)

    @property
    def moving(self) -> list[Artist]:
        """What changes from picture to picture."""
        return [artist for each in (*self._pictures, *self._lines) for artist in each.values()]

    def update(self, outputs: Mapping[str, Tensor]) -> None:
        """Show these outputs for the frames of the split."""
        self.updates += 1
        found = self._boxes(outputs)
        for number, (lines, pictures) in enumerate(zip(self._lines, self._pictures, strict=True)):
            if self._detection is not None:
                lines[self._detection.name].set_data(*_outlines(found[number].boxes))
            if self._motion is not None and self._detection is not None:
                moved = outputs[self._motion.name][number]
                rows, columns = found[number].cells.unbind(1)
                lines[self._motion.name].set_data(*_arrows(found[number].centers, moved[:, rows, columns].T))
            for task in self._maps:
                output = outputs[task.name][number]
                pictures[task.name].set_data((output.argmax(0) if task.is_classification else output[0]).numpy())

    def clear(self) -> None:
        """Take the predictions away."""
        self.updates += 1
        for lines, pictures in zip(self._lines, self._pictures, strict=True):
            for line in lines.values():
                line.set_data([], [])
            for picture in pictures.values():
                picture.set_data(np.full(picture.get_array().shape, np.nan))

    def words(self, outputs: Mapping[str, Tensor]) -> str:
        """What was found, for those who cannot see it."""
        if self._detection is None:
            return ""
        counts = ", ".join(str(len(each.boxes)) for each in self._boxes(outputs))
        true = ", ".join(str(len(each.boxes)) for each in self._true_boxes())
        return f"Boxes found in the frames shown: {counts} (there are {true})."

    def _boxes(self, outputs: Mapping[str, Tensor]) -> list[Detections]:
        if self._detection is None:
            return []
        return self._detection.boxes(outputs[self._detection.name], threshold=_THRESHOLD, exclusive=True)

    def _true_boxes(self) -> list[Detections]:
        assert self._detection is not None
        maps = self._detection.split(self._split.targets[self._detection.name])
        stride = self._detection.stride or 1
        return decode(maps.heat.nan_to_num(0), maps.size, maps.offset, stride=stride, threshold=1.0)

    def _show_labels(self, ax: Axes, number: int) -> None:
        height, width = self._split.image_shape[1:]
        ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
        if self._detection is not None:
            ax.plot(*_outlines(self._true_boxes()[number].boxes), color="white", linewidth=0.9, linestyle=":")

    def _new_axes(self, figure: Figure, left: float, width: float, top: float, title: str) -> Axes:
        ax = figure.add_axes((left + 0.006, 0.01, width - 0.012, top - 0.06))
        ax.set_title(title, fontsize=9)
        ax.set_xticks([])
        ax.set_yticks([])
        self.axes.append(ax)
        return ax


def _empty_map(ax: Axes, task: Task, split: MultiTaskDataset) -> Any:
    """The picture of a map without anything in it; the colors of real values span those of the labels shown."""
    nothing = np.full(split.image_shape[1:], np.nan)
    if task.is_classification:
        colors = [CLASS_COLORS[number % len(CLASS_COLORS)] for number in range(task.output_size)]
        return ax.imshow(nothing, cmap=ListedColormap(colors), vmin=-0.5, vmax=task.output_size - 0.5, interpolation="nearest")
    labels = split.targets[task.name]
    present = labels[task.labelled(labels)]
    low, high = (float(present.min()), float(present.max())) if len(present) else (0.0, 1.0)
    return ax.imshow(nothing, cmap="cividis_r", vmin=low, vmax=high, interpolation="nearest")


def _outlines(boxes: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """All boxes `[M, 4]` as one line with gaps. imshow centers pixel (0, 0) on the point (0, 0), boxes count its edges."""
    x0, y0, x1, y1 = (boxes - 0.5).numpy().T
    gap = np.full_like(x0, np.nan)
    return np.stack([x0, x1, x1, x0, x0, gap], 1).ravel(), np.stack([y0, y0, y1, y1, y0, gap], 1).ravel()


def _arrows(centers: Tensor, moved: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """For each box a stroke from its center the way it came, longer than it was, as one line with gaps."""
    start = (centers - 0.5).numpy()
    end = start + _LONGER * moved.numpy()
    gap = np.full_like(start, np.nan)
    x, y = np.stack([start, end, gap], 1).reshape(-1, 2).T if len(start) else (np.zeros(0), np.zeros(0))
    return x, y
