"""Per-pixel real values, such as depth: a folder of 16-bit images beside the pictures, with the same names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mtl_utils.datasets.folders.decoding import decode_values
from mtl_utils.datasets.folders.pixel_folder import PixelFolder
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.tasks import Task, pixel_regression


@dataclass(frozen=True)
class ValueFolder(PixelFolder):
    """Where the value images of a task lie (depth, height, temperature), and what their numbers mean.

    A pixel's value is `scale` times the number in its file. Cameras write depth as 16-bit PNG with 0 for "not measured":
    millimeters as a rule, for which `scale=0.001` gives meters; KITTI's files need `1 / 256`, NYUv2's `1 / 1000`. Values of
    about 1 to 10 are easy to learn. Real-valued TIFF files are read, too; `NaN` is missing there.

    When pictures are scaled, each pixel gets the value nearest to its middle; values are never mixed with their neighbors, so
    that no depth appears which nobody measured.

    Attributes:
        folder: in the folder of the pictures, or a path of its own. The values of `rooms/a.jpg` are `rooms/a.png` in there (or
            with another suffix); a picture without them has a missing label.
        scale: from numbers to values.
        ignore: numbers that mean "not measured".
        others: whether value images without a picture may lie there.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from PIL import Image
        >>> file = Path(tempfile.mkdtemp()) / 'a.png'
        >>> Image.fromarray(np.array([[0, 1500]], dtype=np.uint16)).save(file)  # not measured, and 1500 mm
        >>> ValueFolder('depth', scale=0.001).reader()(file)
        tensor([[   nan, 1.5000]])
    """

    folder: str | Path
    scale: float = 1.0
    ignore: Sequence[float] = (0,)
    others: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.scale, bool) or not 0 < self.scale < float("inf"):
            raise FolderError(f"scale= must be a number above zero, such as 0.001, not {self.scale!r}")

    def task(self, name: str) -> Task:
        return pixel_regression(name)

    def reader(self) -> Callable[[Path], Tensor]:
        ignored = torch.tensor(list(self.ignore), dtype=torch.float32)

        def read(file: Path) -> Tensor:
            numbers = decode_values(file)
            return torch.where(torch.isin(numbers, ignored), float("nan"), numbers * self.scale)

        return read

    @property
    def missing(self) -> float:
        return float("nan")

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32
