"""Per-pixel labels: a folder of mask images beside the pictures, with the same names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mtl_utils.datasets.folders.decoding import ImageFileError
from mtl_utils.datasets.folders.paths import existing_folder, image_files
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.tasks import MISSING_CLASS, Task, pixel_classification


@dataclass(frozen=True)
class MaskFolder:
    """Where the masks of a task lie, and what their numbers mean.

    Attributes:
        folder: in the folder of the pictures, or a path of its own. The mask of `cats/a.jpg` is `cats/a.png` in there (or with
            another suffix); a picture without a mask has a missing label.
        classes: names of the classes.
        values: the pixel value of each class, in order; 0, 1, 2, … by default.
        ignore: values that mean "no label here"; 255 ("void") by custom.
        others: whether masks without a picture may lie there.

    Example:
        >>> masks = MaskFolder('masks', ['background', 'pet'], values=[2, 1])
        >>> masks.translation()(torch.tensor([2, 1, 255])).tolist()  # 255: no label here
        [0, 1, -100]
    """

    folder: str | Path
    classes: Sequence[str]
    values: Sequence[int] | None = None
    ignore: Sequence[int] = (255,)
    others: bool = False

    def task(self, name: str) -> Task:
        """The task of this name."""
        return pixel_classification(name, self.classes)

    def files(self, pictures: Sequence[str], folder: Path) -> list[Path | None]:
        """The mask of each picture.

        Args:
            pictures: paths relative to `folder`, with slashes.
            folder: of the pictures.

        Raises:
            FolderError: if there is no mask at all, or there are two for one picture, or some for no picture.
        """
        own = existing_folder(folder / self.folder)
        by_stem: dict[str, Path] = {}
        for file in image_files(own):
            stem = file.relative_to(own).with_suffix("").as_posix()
            if stem in by_stem:
                raise FolderError(f"two masks have one name: {by_stem[stem]} and {file}")
            by_stem[stem] = file
        stems = [picture.rsplit(".", 1)[0] for picture in pictures]
        found = [by_stem.get(stem) for stem in stems]
        if not any(found):
            raise FolderError(f"no file in {own} has the name of a picture; expected such as {stems[0]}.png")
        wanted = set(stems)
        if not self.others and (lost := [str(file) for stem, file in by_stem.items() if stem not in wanted]):
            raise FolderError(f"masks in {own} without a picture of their name", lost)
        return found

    def translation(self) -> Translation:
        """From the numbers in the files to class numbers."""
        return Translation(range(len(self.classes)) if self.values is None else self.values, self.ignore)


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
