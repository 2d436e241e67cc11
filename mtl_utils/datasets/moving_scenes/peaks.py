"""Objects as peaks: the heat map, the size and the offset that a detector of centers learns (CornerNet, CenterNet)."""

from __future__ import annotations

import torch
from torch import Tensor

_OVERLAP = 0.7  # a box whose center is off by the Gaussian's radius still overlaps the true one by this much (CornerNet)


def empty_maps(count: int, classes: int, grid: tuple[int, ...]) -> Tensor:
    """Targets of images in which nothing is: heat zero, size and offset `NaN`; `float32` `[count, classes + 4, gh, gw]`."""
    maps = torch.full((count, classes + 4, *grid), float("nan"))
    maps[:, :classes] = 0.0
    return maps


def add_peak(maps: Tensor, cls: int, cell: Tensor, center: Tensor, size: Tensor) -> None:
    """Write an object into the maps of its image. In a shared cell the object that is written last keeps size and offset.

    Args:
        maps: `[C + 4, gh, gw]`, changed in place.
        cls: number of its class.
        cell: `int64` `[2]`, row and column of the cell that holds its center.
        center: `[2]`, x and y, in cells.
        size: `[2]`, width and height of its box, in cells.
    """
    heat, (rows, columns) = maps[cls], maps.shape[1:]
    torch.maximum(heat, gaussian(cell, size, rows, columns), out=heat)
    row, column = cell.tolist()
    maps[-4:, row, column] = torch.cat([size, center - cell.flip(0)])


def gaussian_radius(size: Tensor, overlap: float = _OVERLAP) -> Tensor:
    """How far, in cells, the corners of a box may be moved so that it still overlaps the true one by `overlap` (IoU).

    The smallest of three cases: both corners moved inwards, both outwards, or one each way. CornerNet's formula, with the
    roots as they should be (its first code divided by 2 where 2a belongs; many copies still do).

    Args:
        size: `[..., 2]`, width and height.
        overlap: intersection over union, 0 to 1.
    """
    width, height = size.unbind(-1)
    around, area = width + height, width * height

    def root(a: float, b: Tensor, c: Tensor) -> Tensor:
        return (-b + (b.square() - 4 * a * c).sqrt()) / (2 * a)

    # One corner in, one out: (w − r)(h − r) ≥ overlap · (2wh − (w − r)(h − r)).
    shifted = (around - (around.square() - 4 * area * (1 - overlap) / (1 + overlap)).sqrt()) / 2
    inside = (around - (around.square() - 4 * area * (1 - overlap)).sqrt()) / 4
    outside = root(4 * overlap, 2 * overlap * around, (overlap - 1) * area)
    return torch.stack([shifted, inside, outside]).amin(0)


def gaussian(cell: Tensor, size: Tensor, rows: int, columns: int) -> Tensor:
    """A Gaussian of peak 1 around a cell, `[rows, columns]`, cut off at the whole radius r, with σ = (2r + 1)/6 (CornerNet).

    Deviation: r is at least 1, for the boxes here span few cells, and nearly none would have a halo otherwise.
    """
    radius = max(int(gaussian_radius(size)), 1)
    sigma = (2 * radius + 1) / 6
    far_y = torch.arange(rows) - cell[0]
    far_x = torch.arange(columns) - cell[1]
    value = torch.exp(-(far_y.square().unsqueeze(1) + far_x.square()) / (2 * sigma**2))
    near = (far_y.abs().unsqueeze(1) <= radius) & (far_x.abs() <= radius)
    return value * near
