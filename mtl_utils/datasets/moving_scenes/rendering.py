"""From objects and their motion to frames and exact labels, for many scenes at once."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mtl_utils.datasets.moving_scenes.motion import Motion

_SOLID = 0.5  # a pixel belongs to an object that covers more than this share of it


class Objects(NamedTuple):
    """What the objects of S scenes look like.

    Attributes:
        opacity, brightness: `[S, K, 28, 28]`, 0 to 1.
        colors: `[S, K, 3]`, 0 to 1.
        present: `bool` `[S, K]`; scenes with fewer than K objects leave the last places empty.
    """

    opacity: Tensor
    brightness: Tensor
    colors: Tensor
    present: Tensor


class Rendered(NamedTuple):
    """Frames, and what can be read off them exactly.

    Attributes:
        videos: `uint8` `[S, T, 3, H, W]`.
        instances: `uint8` `[S, T, H, W]`: 0 for background, k + 1 for the k-th object.
        visibility: `float32` `[S, T, K]`: the visible share of an object's pixels.
        boxes: `float32` `[S, T, K, 4]`: x0, y0, x1, y1 of the visible pixels; `NaN` if there are none.
    """

    videos: Tensor
    instances: Tensor
    visibility: Tensor
    boxes: Tensor


def render(objects: Objects, motion: Motion, background: Tensor) -> Rendered:
    """Paint the objects of each frame from the farthest to the nearest.

    Args:
        objects: how they look.
        motion: where they are.
        background: `[S, 3, H, W]`, 0 to 1.
    """
    size = background.shape[-1]
    scenes, frames, count = motion.depths.shape
    order = motion.depths.argsort(dim=2, descending=True, stable=True)
    centres = motion.centres.gather(2, order.unsqueeze(-1).expand(-1, -1, -1, 2))
    sizes = motion.sizes.gather(2, order)
    rows, columns = resampling(centres[..., 1], sizes, size), resampling(centres[..., 0], sizes, size)
    scene = torch.arange(scenes).view(-1, 1)
    canvas = background.unsqueeze(1).repeat(1, frames, 1, 1, 1)
    instances = torch.zeros(scenes, frames, size, size, dtype=torch.uint8)
    whole = torch.zeros(scenes, frames, count)
    opacity = objects.opacity * objects.present[:, :, None, None]
    shine = opacity * objects.brightness
    for rank in range(count):
        which = order[:, :, rank]
        vertical, horizontal = rows[:, :, rank], columns[:, :, rank].transpose(-1, -2)
        cover = vertical @ opacity[scene, which] @ horizontal
        light = vertical @ shine[scene, which] @ horizontal
        canvas.mul_(1 - cover.unsqueeze(2)).add_(objects.colors[scene, which][..., None, None] * light.unsqueeze(2))
        solid = cover > _SOLID
        instances = torch.where(solid, (which + 1).to(torch.uint8)[..., None, None], instances)
        whole.scatter_(2, which.unsqueeze(-1), solid.sum((-1, -2)).float().unsqueeze(-1))
    masks = instances_to_masks(instances, count)
    return Rendered(
        (canvas * 255).round_().clamp_(0, 255).to(torch.uint8),
        instances,
        masks.sum((-1, -2)) / whole.clamp(min=1),
        boxes_of(masks),
    )


def resampling(centre: Tensor, size: Tensor, pixels: int, source: int = 28) -> Tensor:
    """Matrices that show a line of source pixels, scaled and moved, on a line of frame pixels.

    Scaling and moving along rows and columns are independent of each other, so two small matrix products draw an object, at
    any fraction of a pixel. Each frame pixel averages the stretch of source pixels under it, or one source pixel's width if it
    covers less than that (which is linear interpolation).

    Args:
        centre: where the middle of the source lies, in pixels of the frame; pixel i spans i to i + 1.
        size: how many frame pixels the whole source spans. Both of one shape `[...]`.
        pixels: pixels of the frame line.
        source: pixels of the source line.

    Returns:
        `[..., pixels, source]`. Rows sum to 1 inside the object, to 0 outside, and to something between at its edge.
    """
    step = (source / size)[..., None, None]
    middle = (torch.arange(pixels).unsqueeze(-1) + 0.5 - centre[..., None, None]) * step + source / 2
    stretch = step.clamp(min=1)
    first = torch.arange(source)
    overlap = torch.minimum(middle + stretch / 2, first + 1) - torch.maximum(middle - stretch / 2, first)
    return overlap.clamp_(min=0) / stretch


def instances_to_masks(instances: Tensor, count: int) -> Tensor:
    """Maps of object numbers `[..., H, W]` to one mask for each object, `bool` `[..., count, H, W]`."""
    return instances.unsqueeze(-3) == torch.arange(1, count + 1, dtype=instances.dtype).view(-1, 1, 1)


def boxes_of(masks: Tensor) -> Tensor:
    """The smallest boxes around masks `[..., H, W]`: `float32` `[..., 4]`, x0, y0, x1, y1; `NaN` for empty masks.

    Boxes are in edges, not in pixel numbers: a mask of the single pixel in row 3, column 5 has the box 5, 3, 6, 4.

    Example:
        >>> mask = torch.zeros(8, 8, dtype=torch.bool)
        >>> mask[3, 5] = True  # row 3, column 5
        >>> boxes_of(mask).tolist()
        [5.0, 3.0, 6.0, 4.0]
    """
    if masks.dtype not in (torch.bool, torch.uint8):
        raise ValueError(f"masks must be boolean, not {masks.dtype}; masks > 0.5 makes them so")
    ends = []
    # The largest of the bytes 0 and 1 is found several times faster than `any` of booleans.
    columns, rows = masks.view(torch.uint8).amax(-2), masks.view(torch.uint8).amax(-1)
    for line in (columns, rows):
        ends.append((line.argmax(-1), line.shape[-1] - line.flip(-1).argmax(-1)))
    (x0, x1), (y0, y1) = ends
    boxes = torch.stack([x0, y0, x1, y1], dim=-1).float()
    return boxes.masked_fill(rows.amax(-1, keepdim=True) == 0, float("nan"))
