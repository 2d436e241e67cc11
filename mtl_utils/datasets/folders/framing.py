"""How pictures of any size come to one size, with their masks and boxes."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

Fit = Literal["crop", "pad", "stretch"]
FITS = ("crop", "pad", "stretch")


class Frame(NamedTuple):
    """The part of a picture that is shown, and where it stands in the result. All in pixels.

    Attributes:
        window: left, top, right, bottom of the part of the original that is shown.
        place: left, top, width, height of that part in the result.
        size: height and width of the result.
    """

    window: tuple[float, float, float, float]
    place: tuple[int, int, int, int]
    size: tuple[int, int]

    def boxes(self, boxes: Tensor) -> Tensor:
        """Boxes `[N, 4]` (x0, y0, x1, y1) of the original, in the result; cut at its border."""
        left, top, right, bottom = self.window
        x, y, width, height = self.place
        scale = torch.tensor([width / (right - left), height / (bottom - top)] * 2, dtype=boxes.dtype)
        moved = (boxes - torch.tensor([left, top] * 2, dtype=boxes.dtype)) * scale + torch.tensor([x, y] * 2, dtype=boxes.dtype)
        low, high = torch.tensor([x, y] * 2, dtype=boxes.dtype), torch.tensor([x + width, y + height] * 2, dtype=boxes.dtype)
        return torch.minimum(torch.maximum(moved, low), high)


def frame(original: tuple[int, int], size: tuple[int, int], fit: Fit) -> Frame:
    """How a picture comes to `size`.

    Args:
        original: height and width of the picture.
        size: height and width of the result.
        fit: `crop` fills the result and cuts off what is too long, evenly on both sides; `pad` shows all and leaves bars;
            `stretch` shows all and changes its shape.
    """
    (rows, columns), (height, width) = original, size
    if fit == "stretch":
        return Frame((0, 0, columns, rows), (0, 0, width, height), size)
    if fit == "crop":
        scale = max(height / rows, width / columns)
        shown = (min(height / scale, rows), min(width / scale, columns))
        top, left = (rows - shown[0]) / 2, (columns - shown[1]) / 2
        return Frame((left, top, left + shown[1], top + shown[0]), (0, 0, width, height), size)
    if fit == "pad":
        scale = min(height / rows, width / columns)
        inner = (min(max(round(rows * scale), 1), height), min(max(round(columns * scale), 1), width))
        return Frame((0, 0, columns, rows), ((width - inner[1]) // 2, (height - inner[0]) // 2, inner[1], inner[0]), size)
    raise ValueError(f"fit= must be one of {', '.join(FITS)}, not {fit!r}")
