"""From labelled scenes to targets on a grid: heat maps with sizes and offsets, and displacements."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mtl_utils.datasets.moving_scenes.peaks import add_peak, empty_maps
from mtl_utils.datasets.moving_scenes.scenes import Scenes
from mtl_utils.datasets.moving_scenes.tasks import STRIDE

SEEN = 0.25  # an object counts where at least this share of it is visible


class Centers(NamedTuple):
    """The M objects that count, one row each, ordered from the farthest to the nearest within each frame.

    Attributes:
        frame: `int64` `[M]`, number of the frame: video · T + time.
        cell: `int64` `[M, 2]`, row and column of the center's cell.
        place: `int64` `[M]`, the object's place k in its video.
        classes: `int64` `[M]`.
        center, size: `float32` `[M, 2]`, of the visible box in cells: x and y, width and height.
        displacement: `float32` `[M, 2]`, x and y in pixels since the frame before; `NaN` in first frames.
    """

    frame: Tensor
    cell: Tensor
    place: Tensor
    classes: Tensor
    center: Tensor
    size: Tensor
    displacement: Tensor


def centers_of(scenes: Scenes, *, stride: int = STRIDE, seen: float = SEEN) -> Centers:
    """Where the centers of visible boxes lie on the grid, for all objects of which at least the share `seen` is visible."""
    counts = (scenes.visibility >= seen) & (scenes.classes >= 0)
    # From far to near, so that whoever writes them to a grid in this order leaves the nearest in a cell.
    order = scenes.depths.nan_to_num(float("inf")).argsort(dim=2, descending=True, stable=True)
    scene, time, rank = torch.nonzero(counts.gather(2, order), as_tuple=True)
    place = order[scene, time, rank]
    boxes = scenes.boxes[scene, time, place] / stride
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    return Centers(
        scene * scenes.frame_count + time,
        center.flip(1).long(),
        place,
        scenes.classes[scene, time, place],
        center,
        boxes[:, 2:] - boxes[:, :2],
        scenes.displacements[scene, time, place],
    )


def detection_targets(scenes: Scenes, *, stride: int = STRIDE) -> Tensor:
    """Targets of `Detection` for all frames of all videos: `float32` `[S·T, C + 4, gh, gw]`.

    Where the centers of two objects share a cell, size and offset are those of the nearer one, and the other is lost: the heat
    map of its class, if that is another, still shows it. `lost_objects` counts such objects.
    """
    height, width = scenes.videos.shape[-2:]
    rows, columns = -(-height // stride), -(-width // stride)
    classes = len(scenes.class_names)
    found = centers_of(scenes, stride=stride)
    targets = empty_maps(len(scenes) * scenes.frame_count, classes, (rows, columns))
    for frame, cls, cell, center, size in zip(
        found.frame.tolist(), found.classes.tolist(), found.cell, found.center, found.size, strict=True
    ):
        add_peak(targets[frame], cls, cell, center, size)
    return targets


def tracking_targets(scenes: Scenes, *, stride: int = STRIDE) -> Tensor:
    """How far objects have moved since the frame before, in pixels, at the cells of centers: `float32` `[S·T, 2, gh, gw]`.

    `NaN` elsewhere, and in first frames. The displacement is that of the whole object, hidden parts included.
    """
    height, width = scenes.videos.shape[-2:]
    found = centers_of(scenes, stride=stride)
    targets = torch.full((len(scenes) * scenes.frame_count, 2, -(-height // stride), -(-width // stride)), float("nan"))
    for frame, (y, x), displacement in zip(found.frame.tolist(), found.cell.tolist(), found.displacement, strict=True):
        targets[frame, :, y, x] = displacement
    return targets


def lost_objects(scenes: Scenes, *, stride: int = STRIDE) -> int:
    """How many objects the targets lose, since a nearer one has its center in the same cell of the same frame.

    Example:
        >>> from mtl_utils import datasets
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=2, size=32, objects=(1, 1))
        >>> lost_objects(scenes.train)  # one object alone
        0
    """
    found = centers_of(scenes, stride=stride)
    places = torch.cat([found.frame.unsqueeze(1), found.cell], dim=1)
    return len(places) - len(torch.unique(places, dim=0))
