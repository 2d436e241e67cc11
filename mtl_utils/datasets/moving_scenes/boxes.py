"""From maps on a grid to boxes: the peaks of a heat map, and the box that stands at each peak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mtl_utils._checks import check_positive


class Detections(NamedTuple):
    """The M boxes that were found in one frame, best score first.

    Attributes:
        boxes: `float32` `[M, 4]`, x0, y0, x1, y1 in pixels, as edges.
        scores: `float32` `[M]`, height of the peak, 0 to 1.
        classes: `int64` `[M]`.
        cells: `int64` `[M, 2]`, row and column of the peak on the grid.
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor
    cells: Tensor

    @property
    def centers(self) -> Tensor:
        """Middle of each box, `[M, 2]`: x and y in pixels."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) / 2

    def pick(self, which: Tensor) -> Detections:
        """Some of them: `which` is a boolean mask `[M]`, or numbers in the order that is wanted."""
        return Detections(*(part[which] for part in self))


def decode(
    heat: Tensor,
    size: Tensor,
    offset: Tensor,
    *,
    stride: int = 4,
    threshold: float = 0.3,
    most: int = 20,
    exclusive: bool = False,
    image_size: tuple[int, int] | None = None,
) -> list[Detections]:
    """Boxes from the maps of a detector of centers, many frames at once (CenterNet: Zhou et al., "Objects as points", 2019).

    A peak is a cell whose heat is the highest of the 3×3 cells around it, in the map of one class. The size and the offset at
    the peak give the box. Boxes are cut at the edge of the grid (or of the image, if its size is given), since the visible part
    of an object lies in the frame.

    Two objects of one class whose centers lie in one cell are one peak: one of them is lost. Two objects of different classes
    in one cell are two peaks with the same box.

    Args:
        heat: `[N, C, gh, gw]`, 0 to 1 (after the sigmoid), a map for each class.
        size: `[N, 2, gh, gw]`, width and height of the box in cells.
        offset: `[N, 2, gh, gw]`, x and y of the center in its cell, 0 to 1.
        stride: pixels per cell.
        threshold: lowest peak that counts.
        most: at most so many boxes in a frame, the highest peaks.
        exclusive: whether a peak must also be the highest of all classes in its 3×3 cells. A network that wavers between two
            classes then reports one box, not two. True objects of two classes in neighboring cells then become one, too.
        image_size: height and width of the frames in pixels, where the stride does not divide them.

    Returns:
        N `Detections`.

    Raises:
        ValueError: if shapes do not fit, or heat is not between 0 and 1.

    Example:
        >>> heat = torch.zeros(1, 1, 4, 4)
        >>> heat[0, 0, 1, 2] = 0.9  # a peak in row 1, column 2: the center lies in pixels 8 to 12 across, 4 to 8 down
        >>> decode(heat, size=torch.full((1, 2, 4, 4), 2.0), offset=torch.full((1, 2, 4, 4), 0.5))[0].boxes.tolist()
        [[6.0, 2.0, 14.0, 10.0]]
    """
    _check_maps(heat, size, offset)
    check_positive("stride", stride)
    check_positive("most", most)
    frames = len(heat)
    rivals = heat.amax(1, keepdim=True) if exclusive else heat
    peaks = (heat == _highest_around(rivals)) & (heat >= threshold)
    frame, kind, row, column = peaks.nonzero(as_tuple=True)
    scores = heat[peaks]
    # Highest peak first, then (stable) frame after frame. Peaks are few, so that this costs less than a `topk` of whole maps.
    order = scores.argsort(descending=True, stable=True)
    order = order[frame[order].argsort(stable=True)]
    counts = torch.bincount(frame, minlength=frames)
    rank = torch.arange(len(order), device=heat.device) - (counts.cumsum(0) - counts)[frame[order]]
    order = order[rank < most]
    frame, kind, row, column, scores = frame[order], kind[order], row[order], column[order], scores[order]
    middle = torch.stack([column, row], dim=1) + offset[frame, :, row, column]
    half = size[frame, :, row, column].clamp(min=0) / 2
    rows, columns = heat.shape[2:] if image_size is None else (side / stride for side in image_size)
    limit = torch.tensor([columns, rows], device=heat.device)
    low, high = middle - half, middle + half
    boxes = torch.cat([low.clamp(min=0).minimum(limit), high.clamp(min=0).minimum(limit)], dim=1) * stride
    parts = (boxes, scores, kind, torch.stack([row, column], dim=1))
    found = counts.clamp(max=most).tolist()
    return [Detections(*of_frame) for of_frame in zip(*(torch.split(part, found) for part in parts), strict=True)]


def _highest_around(maps: Tensor) -> Tensor:
    """The highest of the 3×3 cells around each cell: along rows first, then along columns.

    The same as `F.max_pool2d(maps, 3, stride=1, padding=1)`, which takes many times as long on a CPU.
    """
    padded = F.pad(maps, (1, 1, 1, 1))  # heat is never below zero
    of_three = torch.maximum(torch.maximum(padded[..., :-2], padded[..., 1:-1]), padded[..., 2:])
    return torch.maximum(torch.maximum(of_three[..., :-2, :], of_three[..., 1:-1, :]), of_three[..., 2:, :])


def at_cells(maps: Tensor, detections: Sequence[Detections]) -> list[Tensor]:
    """What maps say at the peaks: `[N, K, gh, gw]` and N `Detections` give N tensors `[M, K]`.

    Raises:
        ValueError: if there are not as many maps as frames.
    """
    if maps.dim() != 4 or len(maps) != len(detections):
        shape = tuple(maps.shape)
        raise ValueError(f"{len(detections)} frames of detections need maps [{len(detections)}, K, gh, gw], not {shape}")
    if not detections:
        return []
    counts = [len(found.cells) for found in detections]
    cells = torch.cat([found.cells for found in detections])
    frame = torch.repeat_interleave(torch.arange(len(counts), device=maps.device), torch.tensor(counts, device=maps.device))
    return list(torch.split(maps[frame, :, cells[:, 0], cells[:, 1]], counts))


def _check_maps(heat: Tensor, size: Tensor, offset: Tensor) -> None:
    if heat.dim() != 4:
        raise ValueError(f"heat must be [N, C, gh, gw], not {tuple(heat.shape)}: one frame needs a first dimension of 1")
    for name, maps in (("size", size), ("offset", offset)):
        expected = (len(heat), 2, *heat.shape[2:])
        if maps.shape != expected:
            raise ValueError(f"{name} must be {expected}, to fit heat {tuple(heat.shape)}, not {tuple(maps.shape)}")
    if heat.numel() and not (heat.amin() >= 0 and heat.amax() <= 1):
        raise ValueError("heat must be between 0 and 1 and not NaN: apply torch.sigmoid to the network's output first")
