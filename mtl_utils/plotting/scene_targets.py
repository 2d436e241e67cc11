"""What a network for scenes learns, as it is: heat maps and arrows on a grid, over the frame."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from mtl_utils.plotting.colors import task_color
from mtl_utils.plotting.images import show_image


def show_heat(
    heat: Tensor,
    image: Tensor,
    ax: Axes | None = None,
    *,
    size: Tensor | None = None,
    offset: Tensor | None = None,
    stride: int = 4,
) -> Axes:
    """The hottest class of every cell over the frame in gray; where size and offset are there, the boxes that they stand for.

    Args:
        heat: `[C, gh, gw]`, 0 to 1.
        image: `uint8` `[3, H, W]`.
        ax: where to draw.
        size, offset: `[2, gh, gw]`; drawn where they are not `NaN`.
        stride: pixels per cell.

    Example:
        >>> import torch
        >>> heat = torch.zeros(2, 8, 8)
        >>> heat[1, 3, 4] = 0.9
        >>> ax = show_heat(heat, torch.zeros(3, 32, 32, dtype=torch.uint8))
        >>> len(ax.images)  # the frame, and the heat over it
        2
    """
    ax = show_image(image.float().mean(0, keepdim=True).to(image.dtype).expand(3, -1, -1), ax)
    hottest = heat.amax(0).numpy()
    rows, columns = hottest.shape
    # imshow centers pixel (0, 0) on the point (0, 0), cells count its edges.
    extent = (-0.5, columns * stride - 0.5, rows * stride - 0.5, -0.5)
    ax.imshow(hottest, cmap="inferno", vmin=0, vmax=1, alpha=0.2 + 0.6 * hottest, extent=extent, interpolation="nearest")
    if size is not None and offset is not None:
        for y, x in np.argwhere(~np.isnan(size[0].numpy())):
            width, height = (size[:, y, x] * stride).tolist()
            center = ((x + float(offset[0, y, x])) * stride - 0.5, (y + float(offset[1, y, x])) * stride - 0.5)
            ax.plot(*center, "+", color="white", ms=7)
            corner = (center[0] - width / 2, center[1] - height / 2)
            ax.add_patch(Rectangle(corner, width, height, fill=False, edgecolor="white", linewidth=1, linestyle="--"))
    height, width = image.shape[1:]
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    return ax


def show_displacements(
    displacements: Tensor, image: Tensor, ax: Axes | None = None, *, stride: int = 4, longer: float = 4.0
) -> Axes:
    """An arrow in every cell that has a displacement, ending at the cell: the way that the object came.

    Args:
        displacements: `[2, gh, gw]`, x and y in pixels; `NaN` where there is none.
        image: `uint8` `[3, H, W]`.
        ax: where to draw.
        stride: pixels per cell.
        longer: how many times longer than the displacement an arrow is.

    Example:
        >>> import torch
        >>> displacements = torch.full((2, 8, 8), float('nan'))
        >>> displacements[:, 3, 4] = torch.tensor([2.0, 0.0])  # two pixels to the right
        >>> ax = show_displacements(displacements, torch.zeros(3, 32, 32, dtype=torch.uint8))
        >>> len(ax.texts)  # one arrow
        1
    """
    ax = show_image(image, ax)
    for y, x in np.argwhere(~np.isnan(displacements[0].numpy())):
        dx, dy = (longer * displacements[:, y, x]).tolist()
        end = ((x + 0.5) * stride - 0.5, (y + 0.5) * stride - 0.5)
        ax.annotate(
            "", end, (end[0] - dx, end[1] - dy),
            arrowprops={"arrowstyle": "->", "color": task_color("tracking"), "lw": 2, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
    height, width = image.shape[1:]
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    return ax
