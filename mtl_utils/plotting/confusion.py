"""Which classes a task takes for which, and whether two tasks fail on the same images."""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from torch import Tensor

from mtl_utils.plotting.axes import axes_or_new
from mtl_utils.tasks import Task


def joint_errors(first: Tensor, second: Tensor) -> Tensor:
    """Counts of images by whether each of two tasks is right.

    Args:
        first, second: boolean `[N]`, whether the task is right on each image.

    Returns:
        `int64` `[2, 2]`: rows first task right, wrong; columns second task right, wrong.

    Example:
        >>> left, right = torch.tensor([True, True, True, False]), torch.tensor([True, True, False, False])
        >>> joint_errors(left, right).tolist()  # both right twice, left alone once, both wrong once
        [[2, 1], [0, 1]]
    """
    if first.shape != second.shape or first.dim() != 1 or first.dtype != torch.bool or second.dtype != torch.bool:
        raise ValueError(f"two boolean vectors of one length are needed, not {tuple(first.shape)} and {tuple(second.shape)}")
    return torch.bincount((~first).long() * 2 + (~second).long(), minlength=4).view(2, 2)


def plot_joint_errors(correct: dict[str, Tensor], ax: Axes | None = None, *, title: str = "") -> Axes:
    """A two-by-two table of two tasks' successes and errors, with what it would be if they were independent.

    Args:
        correct: for two tasks, boolean `[N]`, whether each image is right.
        ax: where to draw.
        title: text above.

    Example:
        >>> ax = plot_joint_errors({'left': torch.tensor([True, True, False]), 'right': torch.tensor([True, False, False])})
        >>> len(ax.texts)  # both right, one right, the other right, both wrong
        4
    """
    if len(correct) != 2:
        raise ValueError(f"this picture compares two tasks, not {len(correct)}")
    (first_name, first), (second_name, second) = correct.items()
    counts = joint_errors(first, second).double()
    expected = counts.sum(1, keepdim=True) * counts.sum(0, keepdim=True) / counts.sum()
    ax = axes_or_new(ax, size=(4.2, 3.2))
    ratio = torch.where(expected > 0, counts / expected.clamp_min(1e-9), torch.ones(()))
    ax.imshow(ratio.log2().clamp(-2, 2).numpy(), cmap="PuOr_r", vmin=-2, vmax=2)
    for row in range(2):
        for column in range(2):
            ax.text(
                column,
                row,
                f"{int(counts[row, column]):,}\n(independent:\n{expected[row, column]:,.0f})",
                ha="center",
                va="center",
                fontsize=9,
            )
    ax.set_xticks([0, 1], [f"{second_name} correct", f"{second_name} wrong"])
    ax.set_yticks([0, 1], [f"{first_name} correct", f"{first_name} wrong"])
    ax.set_title(title or "images by which task is correct")
    return ax


def plot_confusion(task: Task, outputs: Tensor, target: Tensor, ax: Axes | None = None, *, title: str = "") -> Axes:
    """How often each true class (rows) was answered by each class (columns), among the images with a label.

    Colors are shares of the row, numbers are images.

    Args:
        task: a classification with one answer per image.
        outputs: `[N, classes]` (see `predict`).
        target: `[N]`.
        ax: where to draw.
        title: text above; the task's name by default.

    Example:
        >>> from mtl_utils.tasks import classification
        >>> outputs = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])  # cat, dog, dog
        >>> ax = plot_confusion(classification('animal', ['cat', 'dog']), outputs, target=torch.tensor([0, 0, 1]))
        >>> [(text.get_position(), text.get_text()) for text in ax.texts]  # column, row; one cat is called a dog
        [((0, 0), '1'), ((1, 0), '1'), ((1, 1), '1')]
    """
    if not task.is_classification or task.stride is not None:
        instead = "; for a number, plot outputs against targets" if task.kind == "regression" else ""
        raise ValueError(f"task '{task.name}' is a {task.kind}; confusion is between classes of images{instead}")
    labelled = task.labelled(target)
    pairs = target[labelled] * task.output_size + outputs[labelled].argmax(1)
    counts = torch.bincount(pairs, minlength=task.output_size**2).view(task.output_size, task.output_size)
    side = 1.6 + 0.42 * task.output_size
    ax = axes_or_new(ax, size=(side, side))
    shares = counts / counts.sum(1, keepdim=True).clamp(min=1)
    ax.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    for row in range(task.output_size):
        for column in range(task.output_size):
            if count := int(counts[row, column]):
                ax.text(
                    column, row, str(count), ha="center", va="center", fontsize=8,
                    color="white" if shares[row, column] > 0.6 else "black",
                )  # fmt: skip
    names = task.class_names or tuple(str(number) for number in range(task.output_size))
    ax.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set(xlabel="answer", ylabel="label", title=title or task.name)
    return ax
