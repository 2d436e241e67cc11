"""Pictures of what soft sharing learned: mixtures of columns, attention masks, gates, and similarity of representations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from mtl_utils.plotting.axes import axes_grid, axes_or_new, tidy
from mtl_utils.plotting.colors import task_colors
from mtl_utils.plotting.images import show_image


def plot_alphas(
    alphas: Mapping[str, Tensor], task_names: Sequence[str], axes: Sequence[Axes] | None = None, *, start: float | None = None
) -> list[Axes]:
    """For each stage and each pair of columns a dot per channel: how much a task takes of each column; a bar at the mean.

    Args:
        alphas: for each stage α, `[T, T, C]`: `alpha[i, j, c]` is what task i takes of channel c of task j's column.
        task_names: the T tasks.
        axes: one for each stage; a new figure by default.
        start: the start of α_ii, drawn as a dotted line, with its complement for the other columns.

    Example:
        >>> import torch
        >>> alphas = {'conv1': torch.tensor([[[0.9, 0.8], [0.1, 0.2]], [[0.1, 0.1], [0.9, 0.9]]])}  # 2 tasks, 2 channels
        >>> [ax.get_title() for ax in plot_alphas(alphas, ['left', 'right'], start=0.9)]
        ['conv1']
    """
    count = len(task_names)
    for stage, alpha in alphas.items():
        if alpha.dim() != 3 or alpha.shape[:2] != (count, count):
            raise ValueError(f"α of stage '{stage}' must be [T, T, C] for {count} tasks, not {tuple(alpha.shape)}")
    grid = axes_grid(axes, 1, len(alphas), size=(3.1, 0.9 + 0.42 * count**2))
    colors = task_colors(list(task_names))
    labels = [f"{taker} takes of {giver}" for taker in task_names for giver in task_names]
    for number, ((stage, alpha), ax) in enumerate(zip(alphas.items(), grid, strict=False)):
        tidy(ax)
        for row in range(count * count):
            values = alpha[row // count, row % count].flatten().numpy()
            spread = np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else np.zeros(1)
            ax.plot(values, row + spread, "o", ms=3.5, mew=0, alpha=0.6, color=colors[task_names[row % count]])
            ax.plot([values.mean()] * 2, [row - 0.3, row + 0.3], color="#222222", lw=1.6)
        if start is not None:
            for place in (start, (1 - start) / max(count - 1, 1)):
                ax.axvline(place, color="#777777", lw=0.8, ls=":")
        ax.set_yticks(range(count * count), labels if number == 0 else [""] * count**2)
        ax.set_ylim(count * count - 0.5, -0.5)
        ax.set(title=stage, xlabel="α")
    return grid[: len(alphas)]


def plot_masks(
    image: Tensor, masks: Mapping[str, Mapping[str, Tensor]], axes: Sequence[Axes] | None = None, *, example: int = 0
) -> list[Axes]:
    """An image, and for each task and stage its attention mask, averaged over channels and scaled to its own range.

    Args:
        image: `[C, H, W]`, as `show_image` takes it.
        masks: for each task, for each stage, `[N, C, H, W]` (see `MTAN.masks`).
        axes: T·(1 + S) axes, row by row: for each task its image and its S masks; a new figure by default.
        example: which of the N images is shown.

    Example:
        >>> import torch
        >>> mask = torch.tensor([0.2, 0.8]).view(1, 1, 1, 2)  # one image, one channel, two pixels
        >>> axes = plot_masks(torch.zeros(1, 28, 28), {'left': {'conv1': mask}, 'right': {'conv1': mask}})
        >>> axes[1].get_title()
        'conv1: 0.20 to 0.80'
    """
    stages = list(next(iter(masks.values())))
    rows, columns = len(masks), 1 + len(stages)
    grid = axes_grid(axes, rows, columns, size=(1.9, 2.1))
    colors = task_colors(list(masks))
    for row, (task, by_stage) in enumerate(masks.items()):
        show_image(image, grid[row * columns])
        grid[row * columns].set_ylabel(task, color=colors[task], fontsize=11)
        for ax, stage in zip(grid[row * columns + 1 : (row + 1) * columns], stages, strict=True):
            mask = by_stage[stage][example].detach().cpu().mean(0)
            ax.imshow(mask.numpy(), cmap="viridis", interpolation="nearest")
            ax.set_title(f"{stage}: {mask.min():.2f} to {mask.max():.2f}", fontsize=9)
            ax.set_xticks([])
            ax.set_yticks([])
    return grid


def plot_gates(
    weights: Mapping[str, Tensor], names: Mapping[str, Sequence[str]], axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """For each task, how much its gate gives to each expert: a faint dot per image, and a bar of the mean.

    Args:
        weights: for each task `[N, experts]` (see `gate_weights` of the model).
        names: for each task the experts' names (see `expert_names` of the model).
        axes: one per task; a new figure by default.

    Example:
        >>> import torch
        >>> weights = {'left': torch.tensor([[0.8, 0.2], [0.6, 0.4]]), 'right': torch.tensor([[0.5, 0.5], [0.1, 0.9]])}
        >>> axes = plot_gates(weights, {'left': ['expert 1', 'expert 2'], 'right': ['expert 1', 'expert 2']})
        >>> [ax.get_title() for ax in axes]
        ['gate of left', 'gate of right']
    """
    grid = axes_grid(axes, 1, len(weights), size=(3.0, 2.6))
    colors = task_colors(list(weights))
    for (task, given), ax in zip(weights.items(), grid, strict=False):
        tidy(ax)
        values = given.detach().cpu().numpy()
        places = np.arange(values.shape[1])
        ax.bar(places, values.mean(0), width=0.62, color=colors[task], alpha=0.35)
        # Side by side in the order of images: no chance is needed to keep the dots apart.
        for place in places:
            across = place + np.linspace(-0.25, 0.25, len(values))
            ax.plot(across, values[:, place], ".", ms=2.5, color=colors[task], alpha=0.6)
        ax.set_xticks(places, list(names[task]), fontsize=9)
        ax.set(ylim=(0, 1.02), title=f"gate of {task}", ylabel="weight of the expert")
    return grid[: len(weights)]


def plot_similarity(
    matrix: Sequence[Sequence[float]],
    rows: Sequence[str],
    columns: Sequence[str],
    ax: Axes | None = None,
    *,
    across: str = "",
    down: str = "",
    title: str = "",
) -> Axes:
    """A table of similarities (see `linear_cka`) as colored fields with their numbers; the colors go from 0 to 1.

    Args:
        matrix: one list per row.
        rows, columns: what is compared.
        ax: where to draw.
        across, down: what the columns and the rows are.
        title: text above.

    Example:
        >>> ax = plot_similarity([[1.0, 0.4], [0.4, 1.0]], rows=['conv1', 'conv2'], columns=['conv1', 'conv2'])
        >>> [text.get_text() for text in ax.texts]
        ['1.00', '0.40', '0.40', '1.00']
    """
    ax = axes_or_new(ax, size=(1.4 + 0.8 * len(columns), 1.2 + 0.6 * len(rows)))
    values = np.asarray(matrix, dtype=float)
    if values.shape != (len(rows), len(columns)):
        raise ValueError(f"the similarities are {values.shape}, the names {len(rows)} rows and {len(columns)} columns")
    ax.imshow(values, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(*values.shape):
        ax.text(
            column, row, f"{values[row, column] + 0.0:.2f}".replace("-0.00", "0.00"), ha="center", va="center",
            color="white" if values[row, column] < 0.55 else "black", fontsize=10,
        )  # fmt: skip
    ax.set_xticks(range(len(columns)), list(columns))
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set(xlabel=across, ylabel=down, title=title)
    return ax
