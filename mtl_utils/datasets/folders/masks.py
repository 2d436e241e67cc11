"""Per-pixel classes: a folder of mask images beside the pictures, with the same names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mtl_utils.datasets.folders.decoding import ImageFileError, decode_mask
from mtl_utils.datasets.folders.pixel_folder import PixelFolder
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.tasks import MISSING_CLASS, Task, pixel_classification


@dataclass(frozen=True)
class MaskFolder(PixelFolder):
    """Where the masks of a task lie, and what their numbers mean.

    Attributes:
        folder: in the folder of the pictures, or a path of its own. The mask of `cats/a.jpg` is `cats/a.png` in there (or with
            another suffix); a picture without a mask has a missing label.
        classes: names of the classes.
        values: the pixel value of each class, in order; 0, 1, 2, … by default.
        ignore: values that mean "no label here"; 255 ("void") by custom.
        others: whether masks without a picture may lie there.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> file = Path(tempfile.mkdtemp()) / 'a.png'
        >>> Image.frombytes('L', (3, 1), bytes([2, 1, 255])).save(file)  # 255: no label here
        >>> MaskFolder('masks', ['background', 'pet'], values=[2, 1]).reader()(file).tolist()
        [[0, 1, -100]]
    """

    folder: str | Path
    classes: Sequence[str]
    values: Sequence[int] | None = None
    ignore: Sequence[int] = (255,)
    others: bool = False

    def task(self, name: str) -> Task:
        return pixel_classification(name, self.classes)

    def reader(self) -> Callable[[Path], Tensor]:
        translate = Translation(range(len(self.classes)) if self.values is None else self.values, self.ignore)

        def read(file: Path) -> Tensor:
            numbers = decode_mask(file)
            try:
                return translate(numbers)
            except ImageFileError as error:
                raise ImageFileError(f"{file}: {error}") from error

        return read

    @property
    def missing(self) -> float:
        return MISSING_CLASS

    @property
    def dtype(self) -> torch.dtype:
        return torch.int16


class Translation:
    """Turns the numbers in a mask file into class numbers `int16`, and those without a meaning into an error."""

    def __init__(self, values: Sequence[int], ignore: Sequence[int]) -> None:
        if len(set(values)) < len(values) or not all(0 <= value <= 255 for value in values):
            raise FolderError(f"a mask's values must be different whole numbers from 0 to 255, not {list(values)}")
        self._known = tuple(values)
        self._table = torch.full((256,), -1, dtype=torch.int16)
        self._table[list(ignore)] = MISSING_CLASS
        self._table[list(values)] = torch.arange(len(values), dtype=torch.int16)

    def __call__(self, numbers: Tensor) -> Tensor:
        classes = self._table[numbers.long()]
        if (classes == -1).any():
            strange = int(numbers[classes == -1][0])
            raise ImageFileError(f"a pixel has the value {strange}, but the classes have the values {self._known}")
        return classes
