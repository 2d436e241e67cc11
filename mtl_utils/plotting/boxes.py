"""Boxes over an image: labels, or what a network found."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from mtl_utils.datasets.moving_scenes import Boxes, Detections
from mtl_utils.plotting.images import show_image

# Color-blind safe (Okabe & Ito, "Color universal design", 2008); names are written beside the boxes, too.
_COLORS = ("#56B4E9", "#E69F00", "#F0E442", "#CC79A7", "#009E73", "#D55E00")
_OUTLINE = [patheffects.withStroke(linewidth=2, foreground="#000000aa")]


def show_objects(
    image: Tensor, boxes: Boxes | Detections | None, class_names: Sequence[str], ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """An image with its boxes, each in the color of its class and with its name; found ones also with their score.

    Args:
        image: `uint8` `[3, H, W]` or `[1, H, W]`.
        boxes: labels (`datasets.boxes_in_targets`) or answers (`Detection.boxes`); `None` draws the image alone.
        class_names: names of the classes.
        ax: where to draw.
        title: text above it.

    Example:
        >>> import torch
        >>> from mtl_utils import datasets
        >>> boxes = datasets.Boxes(torch.tensor([[4.0, 4.0, 12.0, 20.0]]), classes=torch.tensor([1]))
        >>> ax = show_objects(torch.zeros(3, 32, 32, dtype=torch.uint8), boxes, ['cat', 'dog'])
        >>> [text.get_text() for text in ax.texts]
        ['dog']
    """
    ax = show_image(image, ax, title=title)
    if boxes is None:
        return ax
    corners, scores = (boxes.boxes, boxes.scores.tolist()) if isinstance(boxes, Detections) else (boxes.corners, None)
    for number, ((x0, y0, x1, y1), cls) in enumerate(zip(corners.tolist(), boxes.classes.tolist(), strict=True)):
        color = _COLORS[cls % len(_COLORS)]
        # imshow centers pixel (0, 0) on the point (0, 0), boxes count its edges.
        ax.add_patch(Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor=color, linewidth=1.6))
        text = class_names[cls] if scores is None else f"{class_names[cls]} {scores[number]:.2f}"
        y, side = (y0 - 1.0, "bottom") if y0 > 0.12 * image.shape[1] else (y1 + 0.5, "top")
        ax.text(x0, y, text, color=color, fontsize=7, va=side, path_effects=_OUTLINE, clip_on=True)
    height, width = image.shape[1:]
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    return ax
