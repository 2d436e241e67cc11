"""What folders of per-pixel labels have in common: a file for each picture, found by its name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from mtl_utils.datasets.folders.paths import existing_folder, image_files
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.tasks import Task


class PixelFolder(ABC):
    """A folder with a label image for each picture, such as `MaskFolder` (classes) and `ValueFolder` (real values).

    Attributes:
        folder: in the folder of the pictures, or a path of its own.
        others: whether label images without a picture may lie there.
    """

    folder: str | Path
    others: bool

    @abstractmethod
    def task(self, name: str) -> Task:
        """The task of this name."""

    @abstractmethod
    def reader(self) -> Callable[[Path], Tensor]:
        """What makes labels `[H, W]` from a file, in the type `dtype`; raises an `ImageFileError` that names the file."""

    @property
    @abstractmethod
    def missing(self) -> float:
        """What stands where there is no label."""

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """The type in which labels are kept."""

    def files(self, pictures: Sequence[str], folder: Path) -> list[Path | None]:
        """The label image of each picture.

        Args:
            pictures: paths relative to `folder`, with slashes.
            folder: of the pictures.

        Raises:
            FolderError: if there is no label image at all, or there are two for one picture, or some for no picture.
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
