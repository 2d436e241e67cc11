"""A split: images with the targets of every task, whole in memory, handed out a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from mtl_utils._checks import check_positive
from mtl_utils.datasets.checks import check_images, check_names, check_normalization
from mtl_utils.datasets.on_demand import OnDemand, read_ahead, some_rows
from mtl_utils.datasets.pixels import Normalization, Pixels, measure_normalization
from mtl_utils.tasks import Batch, Targets, Task, check_tasks

# Changes `uint8` images and their targets by chance, such as `folders.Augmentation`.
Augment = Callable[[Tensor, Targets, Sequence[Task], torch.Generator], Batch]


class MultiTaskDataset(Dataset[Batch]):
    """Images `[N, C, H, W]` in `uint8` and, for each task, the targets of all N images.

    60,000 images of 28×28 pixels take 47 MB. A batch is cut from the whole tensors at once, so that no work is done per image.
    Training keeps small images normalized as well (see `pixels`). It is also an ordinary `Dataset` for a `DataLoader`.

    Args:
        images: `uint8` `[N, C, H, W]`; a tensor, or `OnDemand` for images that are read from their files batch by batch.
        targets: for each task its targets, in the shapes that `Task.check_targets` asks for.
        tasks: the tasks; every one needs targets, and there must be no others.
        normalization: of the *training* images; computed from these images if not given.
        augment: changes images and targets of shuffled batches (those to train on), and of no others.

    Raises:
        ValueError: in words, if anything does not fit.

    Example:
        >>> from mtl_utils.tasks import classification
        >>> images, digits = torch.zeros(6, 1, 28, 28, dtype=torch.uint8), torch.arange(6)
        >>> MultiTaskDataset(images, {'digit': digits}, [classification('digit', 10)])
        MultiTaskDataset(6 images of 1×28×28, tasks: digit)
    """

    def __init__(
        self,
        images: Tensor | OnDemand,
        targets: Mapping[str, Tensor | OnDemand],
        tasks: Sequence[Task],
        *,
        normalization: Normalization | None = None,
        augment: Augment | None = None,
    ) -> None:
        self.tasks = check_tasks(tasks)
        check_images(images)
        names = check_names(targets, self.tasks)
        for task in self.tasks:
            target = targets[task.name]
            if not isinstance(target, OnDemand):  # those are looked at when they are read
                task.check_targets(target, count=len(images), image_size=(images.shape[2], images.shape[3]))
        # What is on demand looks like a tensor to all who take rows of it.
        self.images: Tensor = images  # type: ignore[assignment]
        self.targets: Targets = {name: targets[name] for name in names}  # type: ignore[misc]
        self.augment = augment
        self.normalization = normalization if normalization is not None else measure_normalization(images)
        check_normalization(self.normalization, channels=images.shape[1])
        self._pixels = Pixels(self.images, self.normalization)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        shape = "×".join(str(size) for size in self.image_shape)
        return f"MultiTaskDataset({len(self):,} images of {shape}, tasks: {', '.join(self.targets)})"

    def __getitem__(self, index: int) -> Batch:
        if not isinstance(index, Integral):
            raise ValueError(
                f"split[…] gives one image and takes its number, not {index!r}; split.batch(slice(0, 3)) gives several, and "
                "split.subset(range(3)) a smaller split"
            )
        images, targets = self.batch(torch.tensor([range(len(self))[index]]))
        return images[0], {name: target[0] for name, target in targets.items()}

    def __getitems__(self, indices: list[int]) -> list[Batch]:
        # DataLoader asks for a batch's samples in one call when this exists; one gather then serves them all.
        images, targets = self.batch(torch.tensor(indices))
        return [(images[i], {name: target[i] for name, target in targets.items()}) for i in range(len(indices))]

    def batch(self, indices: Tensor | slice, device: torch.device | str = "cpu") -> Batch:
        """The images with these indices as normalized `float32` `[n, C, H, W]`, and their targets.

        Class targets come as `int64`, real-valued ones as `float32`, whatever they are stored as.
        """
        images = self._pixels.normalized(indices, torch.device(device))
        # A slice is a window on the split: nobody may change the data through it.
        return images, self._typed(self._targets(indices), device, copy=isinstance(indices, slice))

    def _stored(self, indices: Tensor | slice) -> Batch:
        """Images and targets as they are stored."""
        return self.images[indices], self._targets(indices)

    def _targets(self, indices: Tensor | slice) -> Targets:
        return {name: target[indices] for name, target in self.targets.items()}

    def _typed(self, targets: Targets, device: torch.device | str, *, copy: bool) -> Targets:
        return {task.name: targets[task.name].to(device=device, dtype=task.target_dtype, copy=copy) for task in self.tasks}

    def batches(
        self, batch_size: int, *, shuffle: torch.Generator | None = None, device: torch.device | str = "cpu"
    ) -> Iterator[Batch]:
        """Every image once, in batches.

        Args:
            batch_size: images per batch.
            shuffle: a random generator for a new order, in which case an incomplete last batch is left out (unless it is
                the only one), so that every update counts alike; without it the order is as stored and nothing is left out.
            device: where the batches go.
        """
        check_positive("batch size", batch_size)
        count = len(self)
        chunks: list[Tensor | slice]
        if shuffle is None:
            chunks = [slice(start, start + batch_size) for start in range(0, count, batch_size)]
        else:
            order = torch.randperm(count, generator=shuffle)
            batch_size = min(batch_size, count)
            chunks = [order[start : start + batch_size] for start in range(0, count - batch_size + 1, batch_size)]
        augment = self.augment if shuffle is not None else None
        on_demand = any(isinstance(values, OnDemand) for values in (self.images, *self.targets.values()))
        if augment is None and not on_demand:
            if shuffle is not None:
                self._keep()
            yield from (self.batch(chunk, device) for chunk in chunks)
            return
        stored: Iterable[Batch] = read_ahead(self._stored, chunks) if on_demand else map(self._stored, chunks)
        for images, targets in stored:
            changed = (images, targets)
            if augment is not None and shuffle is not None:
                changed = augment(images, targets, self.tasks, shuffle)
            yield self._pixels.normalize(changed[0], torch.device(device)), self._typed(changed[1], device, copy=True)

    def _keep(self) -> None:
        self._pixels.keep_normalized()

    def subset(self, indices: Tensor | Sequence[int] | slice) -> MultiTaskDataset:
        """A split of these images only, with the same normalization."""
        chosen = indices if isinstance(indices, slice) else torch.as_tensor(indices)
        if isinstance(chosen, Tensor) and chosen.numel() == 0:
            chosen = chosen.long()  # PyTorch makes an empty list one of real numbers
        targets = {name: some_rows(target, chosen) for name, target in self.targets.items()}
        return self._like(images=some_rows(self.images, chosen), targets=targets)

    def task(self, name: str) -> Task:
        """The task of this name; a `ValueError` in words if there is none."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise ValueError(f"this split has no task '{name}'; its tasks are {list(self.targets)}")

    def check_fits(self, tasks: Sequence[Task]) -> None:
        """Raise a `ValueError` in words if the targets do not fit tasks that are defined otherwise than this split's own."""
        for task in tasks:
            if self.task(task.name) != task and not isinstance(self.targets[task.name], OnDemand):
                task.check_targets(self.targets[task.name], count=len(self), image_size=self.image_shape[1:], whole_split=False)

    def labelled_images(self, tasks: Sequence[Task]) -> Tensor:
        """Which images are labelled for at least one of the tasks: `bool` `[N]`."""
        labelled = torch.zeros(len(self), dtype=torch.bool)
        for task in tasks:
            target = self.targets[task.name]
            known = target.labelled if isinstance(target, OnDemand) else task.labelled(target).reshape(len(self), -1).any(1)
            labelled |= torch.ones_like(labelled) if known is None else known
        return labelled

    def with_any_label(self) -> MultiTaskDataset:
        """Only the images that are labelled for at least one task; the split itself, if all are."""
        labelled = self.labelled_images(self.tasks)
        return self if labelled.all() else self.subset(torch.nonzero(labelled).flatten())

    def for_tasks(self, *names: str) -> MultiTaskDataset:
        """The same images (not copied) with the targets of these tasks only, in this order."""
        tasks = [self.task(name) for name in names]
        targets = {name: self.targets[name] for name in names}
        return self._like(targets=targets, tasks=tasks)

    def with_targets(self, **targets: Tensor) -> MultiTaskDataset:
        """The same images (not copied) with other targets for the tasks named, such as noisy or missing ones."""
        return self._like(targets={**self.targets, **targets})

    def with_normalization(self, normalization: Normalization) -> MultiTaskDataset:
        """The same images (not copied), normalized in another way."""
        return self._like(normalization=normalization)

    def with_augmentation(self, augment: Augment | None) -> MultiTaskDataset:
        """The same images (not copied), changed by chance whenever they are trained on."""
        return self._like(augment=augment)

    def with_task(self, task: Task, target: Tensor) -> MultiTaskDataset:
        """The same images (not copied) with one more task."""
        return self._like(targets={**self.targets, task.name: target}, tasks=(*self.tasks, task))

    def _like(self, **changes: Any) -> MultiTaskDataset:
        """A split like this one, but for what is named."""
        same = {name: getattr(self, name) for name in ("images", "targets", "tasks", "normalization", "augment")}
        other = MultiTaskDataset(**{**same, **changes})
        if "images" not in changes and "normalization" not in changes:
            other._pixels = self._pixels  # normalized once for both
        return other
