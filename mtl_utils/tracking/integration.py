"""Integration of results: boxes, masks, depths and identities of a video in one picture in which they agree."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mtl_utils.datasets.moving_scenes import boxes_of
from mtl_utils.tracking.frames import TrackedFrame


def integrate(
    frames: Sequence[TrackedFrame],
    class_maps: Tensor,
    depth_maps: Tensor | None = None,
    *,
    by_class: bool = True,
    by_depth: bool = True,
    tighten: bool = True,
    margin: float = 1.0,
    trust: float = 0.5,
) -> list[TrackedFrame]:
    """Give each object its pixels and its depth, so that each pixel belongs to one object at most.

    A pixel is an object's only if the segmentation sees an object there (more than background) and it lies in the object's box.
    Where boxes overlap, it goes to the box whose class the segmentation finds likelier (`by_class`); of those of one class, to
    the one whose depth is nearest to the pixel's (`by_depth`), or else to the one whose center is nearest, in sizes of its box.

    Args:
        frames: T frames of one video, boxes with classes and tracks. Masks and depths that they have are replaced.
        class_maps: scores of each class for each pixel, `[T, C + 1, H, W]` (logits, 0 is background), or the class itself,
            whole numbers `[T, H, W]`.
        depth_maps: `[T, H, W]` or `[T, 1, H, W]`. Without them objects have no depth.
        by_class: whether the class decides between boxes that overlap.
        by_depth: whether depth decides between boxes that overlap. Needs depth maps.
        tighten: whether a box is replaced by the box around its mask.
        margin: boxes are widened by so many pixels on each side before pixels are looked for: a found box may be too small.
        trust: a box is tightened only if it and the box around its mask have at least this intersection over union: a mask
            that is far from its box is no better than the box.

    Returns:
        T frames with `instances`, and with `depths` if there are depth maps. An object may have no pixel.

    Raises:
        ValueError: if maps and frames do not fit.

    Example:
        >>> box = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
        >>> frame = TrackedFrame(box, classes=torch.tensor([3]), tracks=torch.tensor([0]))
        >>> classes = torch.tensor([[[4, 4, 0], [4, 0, 4]]])  # 0 is background, 4 is class 3; one pixel lies outside the box
        >>> integrate([frame], classes, by_depth=False, margin=0.0)[0].instances.tolist()
        [[1, 1, 0], [1, 0, 0]]
    """
    scores = _scores(class_maps, len(frames))
    depth = _depths(depth_maps, scores) if depth_maps is not None else None
    if by_depth and depth is None:
        raise ValueError("by_depth needs depth_maps=; a network without depth takes by_depth=False")
    objects = scores[:, 1:].logsumexp(1) > scores[:, 0]
    finished = []
    for number, frame in enumerate(frames):
        if len(frame) and int(frame.classes.max()) >= scores.shape[1] - 1:
            raise ValueError(f"class {int(frame.classes.max())} was found, but class maps know only 0 to {scores.shape[1] - 2}")
        candidates = _inside(frame.boxes, objects[number].shape, margin) & objects[number]
        likely = candidates
        if by_class:
            of_object = scores[number, frame.classes + 1].masked_fill(~candidates, -torch.inf)
            likely = candidates & (of_object == of_object.amax(0)) if len(frame) else candidates
        depths = None if depth is None else _depth_of_each(depth[number], likely, frame.boxes)
        if by_depth and depth is not None and depths is not None:
            distance = (depth[number] - depths[:, None, None]).abs()
        else:
            distance = _from_center(frame.boxes, objects[number].shape)
        instances = torch.zeros(objects[number].shape, dtype=torch.int64)
        if len(frame):
            nearest = distance.masked_fill(~likely, torch.inf).argmin(0)
            instances = torch.where(likely.any(0), nearest + 1, 0)
        done = TrackedFrame(frame.boxes, frame.classes, frame.tracks, instances, depths, frame.scores)
        finished.append(_tightened(done, trust) if tighten else done)
    return finished


def _scores(class_maps: Tensor, frames: int) -> Tensor:
    """Scores `[T, C + 1, H, W]`, also from whole numbers `[T, H, W]`."""
    if class_maps.dim() not in (3, 4) or len(class_maps) != frames or class_maps.is_floating_point() != (class_maps.dim() == 4):
        raise ValueError(
            f"{frames} frames need class maps [{frames}, C + 1, H, W] of real numbers or [{frames}, H, W] of whole ones, "
            f"not {tuple(class_maps.shape)} of {class_maps.dtype}"
        )
    if class_maps.dim() == 4:
        return class_maps.detach().cpu()
    classes = class_maps.cpu().long()
    # A score so high that background and all other classes together do not reach it.
    return 20.0 * F.one_hot(classes, max(11, int(classes.max()) + 1)).movedim(-1, 1)


def _depths(depth_maps: Tensor, scores: Tensor) -> Tensor:
    depth = depth_maps.detach().cpu()
    if depth.dim() == 4 and depth.shape[1] == 1:
        depth = depth[:, 0]
    if depth.shape != (len(scores), *scores.shape[2:]):
        expected = [len(scores), *scores.shape[2:]]
        raise ValueError(f"depth maps must be {expected}, to fit the class maps, not {list(depth_maps.shape)}")
    return depth


def _pixels(shape: torch.Size) -> tuple[Tensor, Tensor]:
    """X and y of the middle of each pixel, `[1, 1, W]` and `[1, H, 1]`."""
    return torch.arange(shape[1]).view(1, 1, -1) + 0.5, torch.arange(shape[0]).view(1, -1, 1) + 0.5


def _inside(boxes: Tensor, shape: torch.Size, margin: float) -> Tensor:
    """Pixels whose middle lies in each box, `bool` `[M, H, W]`."""
    x, y = _pixels(shape)
    x0, y0, x1, y1 = boxes[:, :, None, None].unbind(1)
    return (x > x0 - margin) & (x < x1 + margin) & (y > y0 - margin) & (y < y1 + margin)


def _from_center(boxes: Tensor, shape: torch.Size) -> Tensor:
    """Distance of each pixel from the middle of each box, `[M, H, W]`; at the middle of a side it is 1/2."""
    x, y = _pixels(shape)
    x0, y0, x1, y1 = boxes[:, :, None, None].unbind(1)
    across = (x - (x0 + x1) / 2) / (x1 - x0).clamp(min=1)
    down = (y - (y0 + y1) / 2) / (y1 - y0).clamp(min=1)
    return across.square() + down.square()


def _depth_of_each(depth: Tensor, pixels: Tensor, boxes: Tensor) -> Tensor:
    """The median depth of the pixels that are one object's alone; else of all its pixels; else that in the box's middle."""
    alone = pixels & (pixels.sum(0) == 1)
    depths = []
    for mine, shared, box in zip(alone, pixels, boxes, strict=True):
        chosen = depth[mine] if mine.any() else depth[shared]
        if not len(chosen):
            column, row = ((box[:2] + box[2:]) / 2).long().tolist()
            chosen = depth[min(max(row, 0), depth.shape[0] - 1), min(max(column, 0), depth.shape[1] - 1)].view(1)
        depths.append(chosen.median())
    return torch.stack(depths) if depths else torch.zeros(0)


def _tightened(frame: TrackedFrame, trust: float) -> TrackedFrame:
    around = boxes_of(frame.masks)
    better = paired_iou(frame.boxes, around) >= trust
    boxes = torch.where(better[:, None], around, frame.boxes)
    return TrackedFrame(boxes, frame.classes, frame.tracks, frame.instances, frame.depths, frame.scores)


def paired_iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes row by row, `[M, 4]` and `[M, 4]` to `[M]`; 0 where a box is `NaN` or empty."""
    low, high = torch.maximum(first[:, :2], second[:, :2]), torch.minimum(first[:, 2:], second[:, 2:])
    inner = (high - low).clamp(min=0).prod(1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (first, second)]
    return (inner / (areas[0] + areas[1] - inner)).nan_to_num(0)
