"""How pictures of any size come to one size, with their masks and boxes: scaled, then cut or padded."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize

Fit = Literal["crop", "pad", "stretch"]
FITS = ("crop", "pad", "stretch")


class Frame(NamedTuple):
    """How a picture comes to another size. All in pixels.

    Attributes:
        original: height and width of the picture.
        scaled: height and width once it is scaled.
        size: height and width of the result.
        top, left: where the scaled picture stands in the result; below zero where it is cut.
    """

    original: tuple[int, int]
    scaled: tuple[int, int]
    size: tuple[int, int]
    top: int
    left: int

    def image(self, image: Tensor) -> Tensor:
        """A `uint8` image `[C, H, W]`, scaled with antialiasing; bars are black."""
        if self.scaled != self.original:
            image = resize(image, list(self.scaled), InterpolationMode.BILINEAR, antialias=True)
        return self._placed(image, 0)

    def mask(self, mask: Tensor, bars: float) -> Tensor:
        """A class or value map `[H, W]`; each pixel gets what is in its middle, and `bars` where there is no picture."""
        if self.scaled != self.original:
            mask = resize(mask[None], list(self.scaled), InterpolationMode.NEAREST_EXACT)[0]
        return self._placed(mask, bars)

    def boxes(self, boxes: Tensor) -> Tensor:
        """Boxes `[N, 4]` (x0, y0, x1, y1), cut at the border of the picture and of the result."""
        (rows, columns), (height, width) = self.original, self.scaled
        scale = torch.tensor([width / columns, height / rows] * 2, dtype=boxes.dtype)
        moved = boxes * scale + torch.tensor([self.left, self.top] * 2, dtype=boxes.dtype)
        low = torch.tensor([max(self.left, 0), max(self.top, 0)] * 2, dtype=boxes.dtype)
        high = torch.tensor([min(self.left + width, self.size[1]), min(self.top + height, self.size[0])] * 2, dtype=boxes.dtype)
        return torch.minimum(torch.maximum(moved, low), high)

    def boxes_back(self, boxes: Tensor) -> Tensor:
        """Boxes `[N, 4]` in the result, as they lie in the picture: the way back from `boxes`."""
        (rows, columns), (height, width) = self.original, self.scaled
        scale = torch.tensor([columns / width, rows / height] * 2, dtype=boxes.dtype)
        moved = (boxes - torch.tensor([self.left, self.top] * 2, dtype=boxes.dtype)) * scale
        return torch.minimum(moved.clamp(min=0), torch.tensor([columns, rows] * 2, dtype=boxes.dtype))

    def _placed(self, values: Tensor, bars: float) -> Tensor:
        if self.scaled == self.size:
            return values
        if self.top <= 0 and self.left <= 0 and self.scaled[0] >= self.size[0] and self.scaled[1] >= self.size[1]:
            return values[..., -self.top : self.size[0] - self.top, -self.left : self.size[1] - self.left]  # no copy
        bottom, right = self.size[0] - self.top - self.scaled[0], self.size[1] - self.left - self.scaled[1]
        return F.pad(values, (self.left, right, self.top, bottom), value=bars)  # pads below zero cut


def frame(original: tuple[int, int], size: tuple[int, int], fit: Fit) -> Frame:
    """How a picture comes to `size`.

    Args:
        original: height and width of the picture.
        size: height and width of the result.
        fit: `crop` fills the result and cuts what is too long, evenly on both sides, as torchvision's `Resize` and `CenterCrop`
            do; `pad` shows all and leaves bars; `stretch` shows all and changes its shape.
    """
    (rows, columns), (height, width) = original, size
    if fit == "stretch":
        return Frame(original, size, size, 0, 0)
    if fit not in FITS:
        raise ValueError(f"fit= must be one of {', '.join(FITS)}, not {fit!r}")
    # The side that fits exactly: with `crop` the one that would be too short, with `pad` the one that would be too long.
    by_height = (height * columns >= width * rows) == (fit == "crop")
    scaled = (height, max(int(height * columns / rows), 1)) if by_height else (max(int(width * rows / columns), 1), width)
    top, left = round((height - scaled[0]) / 2), round((width - scaled[1]) / 2)
    return Frame(original, scaled, size, top, left)
