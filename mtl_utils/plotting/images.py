"""Images with their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from torch import Tensor

from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.plotting.axes import axes_grid, axes_or_new
from mtl_utils.tasks import MISSING_CLASS, Task


def show_image(image: Tensor, ax: Axes | None = None, *, title: str = "") -> Axes:
    """Draw one image.

    Args:
        image: `[1, H, W]` or `[H, W]` (gray) or `[3, H, W]` (color); `uint8`, or real values from 0 to 1.
        ax: where to draw.
        title: text above it.

    Example:
        >>> from mtl_utils import datasets
        >>> split = datasets.multi_mnist(60, 20, 20).train
        >>> show_image(split.images[0], title='a pair').get_title()
        'a pair'
    """
    ax = axes_or_new(ax, size=(2.0, 2.2))
    if image.dim() == 3:
        image = image[0] if image.shape[0] == 1 else image.movedim(0, -1)
    top = 255 if not image.is_floating_point() else 1.0
    ax.imshow(image.cpu().numpy(), cmap="gray", vmin=0, vmax=top, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(title, fontsize=9)
    return ax


def show_split(
    split: MultiTaskDataset,
    count: int = 8,
    *,
    first: int = 0,
    columns: int = 8,
    answers: Mapping[str, Tensor] | None = None,
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw some images of a split, each with the targets of its tasks (classes and short vectors) above it.

    Args:
        split: where the images come from.
        count: how many.
        first: index of the first one.
        columns: images per row.
        answers: for some tasks the predicted class of every image of the split, `[N]`; wrong ones are marked ✗, and
            those of images without a label not at all.
        axes: where to draw; a new figure by default.

    Example:
        >>> from mtl_utils import datasets
        >>> split = datasets.multi_mnist(60, 20, 20).train
        >>> len(show_split(split, 4))
        4
    """
    if count < 1 or not 0 <= first < len(split):
        raise ValueError(f"there is nothing to show: {count} images from number {first} on, of {len(split):,}")
    for name, answer in (answers or {}).items():
        if split.task(name) and len(answer) != len(split):
            raise ValueError(f"task '{name}': {len(answer):,} answers for {len(split):,} images; one is needed for each")
    count = min(count, len(split) - first)
    columns = min(columns, count)
    grid = axes_grid(axes, -(-count // columns), columns, size=(1.25, 1.3 + 0.2 * len(split.tasks)))
    for index, ax in zip(range(first, first + count), grid, strict=False):
        lines = [_label(task, split.targets[task.name][index], (answers or {}).get(task.name), index) for task in split.tasks]
        show_image(split.images[index], ax, title="\n".join(line for line in lines if line))
    for ax in grid[count:]:
        ax.set_axis_off()
    return grid


def class_name(task: Task, number: int) -> str:
    """What a class is called; `?` where its label is missing."""
    if number == MISSING_CLASS:
        return "?"
    return task.class_names[number] if task.class_names else str(number)


def _label(task: Task, target: Tensor, answers: Tensor | None, index: int) -> str:
    if task.is_classification and task.stride is None:
        text = f"{task.name}: {class_name(task, int(target))}"
        if answers is None:
            return text
        answer = int(answers[index])
        if int(target) == MISSING_CLASS:  # nobody knows whether it is right
            return f"{text} ({class_name(task, answer)})"
        return f"{text} ✓" if answer == int(target) else f"{text} ✗ ({class_name(task, answer)})"
    if task.stride is None and task.output_size <= 4:
        present = bool(task.labelled(target).any())
        return f"{task.name}: " + (", ".join(f"{value:.1f}" for value in target.tolist()) if present else "?")
    return ""
