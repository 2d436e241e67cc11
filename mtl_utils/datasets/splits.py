"""A data set in three splits: for training, for choosing and for the one final measurement."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.tasks import Task


@dataclass(frozen=True)
class Splits:
    """A data set: splits for training, for choosing (`val`) and for the one final measurement (`test`).

    The three have the same tasks and image shape; all are normalized as the training images are.

    Example:
        >>> from mtl_utils import datasets
        >>> pairs = datasets.multi_mnist(60, 20, 20)
        >>> Splits('half of it', pairs.train.subset(range(30)), pairs.val, pairs.test)
        half of it: 30 / 20 / 20 images to train / validate / test; tasks: left, right
    """

    name: str
    train: MultiTaskDataset
    val: MultiTaskDataset
    test: MultiTaskDataset

    def __post_init__(self) -> None:
        for part in ("val", "test"):
            split: MultiTaskDataset = getattr(self, part)
            if split.tasks != self.train.tasks:
                raise ValueError(
                    f"{self.name}: the {part} split has tasks {list(split.targets)}, the training split "
                    f"{list(self.train.targets)}; they must be the same"
                )
            if split.image_shape != self.train.image_shape:
                raise ValueError(
                    f"{self.name}: {part} images are {split.image_shape}, training images {self.train.image_shape}"
                )
            if split.normalization != self.train.normalization:
                object.__setattr__(self, part, split.with_normalization(self.train.normalization))

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks of every split."""
        return self.train.tasks

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images."""
        return self.train.image_shape

    def for_tasks(self, *names: str) -> Splits:
        """The same images with some of the tasks, in the order of `names`."""
        return replace(
            self, train=self.train.for_tasks(*names), val=self.val.for_tasks(*names), test=self.test.for_tasks(*names)
        )

    def with_train(self, train: MultiTaskDataset) -> Splits:
        """The same `val` and `test`, another training split (with noisy or missing labels, say)."""
        return replace(self, train=train)

    def __repr__(self) -> str:
        sizes = f"{len(self.train):,} / {len(self.val):,} / {len(self.test):,}"
        return f"{self.name}: {sizes} images to train / validate / test; tasks: {', '.join(self.train.targets)}"
