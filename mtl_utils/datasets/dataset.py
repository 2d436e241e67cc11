"""A split: images with the targets of every task, whole in memory, handed out a batch at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from mtl_utils._checks import check_positive
from mtl_utils.datasets.pixels import Normalization, Pixels, measure_normalization
from mtl_utils.tasks import Batch, Targets, Task, check_tasks


class MultiTaskDataset(Dataset[Batch]):
    """Images `[N, C, H, W]` in `uint8` and, for each task, the targets of all N images.

    60,000 images of 28×28 pixels take 47 MB. A batch is cut from the whole tensors at once, so that no work is done per image.
    Training keeps small images normalized as well (see `pixels`). It is also an ordinary `Dataset` for a `DataLoader`.

    Args:
        images: `uint8` `[N, C, H, W]`.
        targets: for each task its targets, in the shapes that `Task.check_targets` asks for.
        tasks: the tasks; every one needs targets, and there must be no others.
        normalization: of the *training* images; computed from these images if not given.

    Raises:
        ValueError: in words, if anything does not fit.
    """

    def __init__(
        self,
        images: Tensor,
        targets: Mapping[str, Tensor],
        tasks: Sequence[Task],
        *,
        normalization: Normalization | None = None,
    ) -> None:
        self.tasks = check_tasks(tasks)
        if not isinstance(images, Tensor) or images.dtype != torch.uint8 or images.dim() != 4:
            found = f"{images.dtype} {tuple(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
            raise ValueError(f"images must be a uint8 tensor [N, C, H, W], not {found}")
        if len(images) == 0:
            raise ValueError("a split needs at least one image, there is none")
        if images.numel() == 0:
            raise ValueError(f"images must have channels, height and width above zero, not {tuple(images.shape[1:])}")
        names = [task.name for task in self.tasks]
        if missing := [name for name in names if name not in targets]:
            raise ValueError(f"no targets for task '{missing[0]}'; there are targets for {list(targets)}")
        if extra := [name for name in targets if name not in names]:
            raise ValueError(f"targets for '{extra[0]}', but no task of that name; the tasks are {names}")
        for task in self.tasks:
            task.check_targets(targets[task.name], count=len(images), image_size=(images.shape[2], images.shape[3]))
        self.images = images
        self.targets: Targets = {name: targets[name] for name in names}
        self.normalization = normalization if normalization is not None else measure_normalization(images)
        channels = images.shape[1]
        if any(len(values) != channels for values in self.normalization) or not all(
            math.isfinite(mean) and 0 < std < math.inf for mean, std in zip(*self.normalization, strict=True)
        ):
            raise ValueError(
                f"a normalization needs a finite mean and a standard deviation above zero for each of {channels} channels, not "
                f"{self.normalization}"
            )
        self._pixels = Pixels(images, self.normalization)

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
        targets = {
            task.name: self.targets[task.name][indices].to(
                device=device,
                dtype=task.target_dtype,
                copy=isinstance(indices, slice),  # a slice is a window on the split: nobody may change the data through it
            )
            for task in self.tasks
        }
        return images, targets

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
        if shuffle is None:
            for start in range(0, count, batch_size):
                yield self.batch(slice(start, start + batch_size), device)
            return
        self._pixels.keep_normalized()
        order = torch.randperm(count, generator=shuffle)
        batch_size = min(batch_size, count)
        for start in range(0, count - batch_size + 1, batch_size):
            yield self.batch(order[start : start + batch_size], device)

    def subset(self, indices: Tensor | Sequence[int] | slice) -> MultiTaskDataset:
        """A split of these images only, with the same normalization."""
        chosen = indices if isinstance(indices, slice) else torch.as_tensor(indices)
        if isinstance(chosen, Tensor) and chosen.numel() == 0:
            chosen = chosen.long()  # PyTorch makes an empty list one of real numbers
        return MultiTaskDataset(
            self.images[chosen],
            {name: target[chosen] for name, target in self.targets.items()},
            self.tasks,
            normalization=self.normalization,
        )

    def task(self, name: str) -> Task:
        """The task of this name; a `ValueError` in words if there is none."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise ValueError(f"this split has no task '{name}'; its tasks are {list(self.targets)}")

    def check_fits(self, tasks: Sequence[Task]) -> None:
        """Raise a `ValueError` in words if the targets do not fit tasks that are defined otherwise than this split's own."""
        for task in tasks:
            if self.task(task.name) != task:
                task.check_targets(self.targets[task.name], count=len(self), image_size=self.image_shape[1:], whole_split=False)

    def labelled_images(self, tasks: Sequence[Task]) -> Tensor:
        """Which images are labelled for at least one of the tasks: `bool` `[N]`."""
        labelled = torch.zeros(len(self), dtype=torch.bool)
        for task in tasks:
            labelled |= task.labelled(self.targets[task.name]).reshape(len(self), -1).any(1)
        return labelled

    def with_any_label(self) -> MultiTaskDataset:
        """Only the images that are labelled for at least one task; the split itself, if all are."""
        labelled = self.labelled_images(self.tasks)
        return self if labelled.all() else self.subset(torch.nonzero(labelled).flatten())

    def for_tasks(self, *names: str) -> MultiTaskDataset:
        """The same images (not copied) with the targets of these tasks only, in this order."""
        tasks = [self.task(name) for name in names]
        targets = {name: self.targets[name] for name in names}
        return self._relabelled(targets, tasks)

    def with_targets(self, **targets: Tensor) -> MultiTaskDataset:
        """The same images (not copied) with other targets for the tasks named, such as noisy or missing ones."""
        return self._relabelled({**self.targets, **targets}, self.tasks)

    def with_normalization(self, normalization: Normalization) -> MultiTaskDataset:
        """The same images (not copied), normalized in another way."""
        return MultiTaskDataset(self.images, self.targets, self.tasks, normalization=normalization)

    def with_task(self, task: Task, target: Tensor) -> MultiTaskDataset:
        """The same images (not copied) with one more task."""
        return self._relabelled({**self.targets, task.name: target}, (*self.tasks, task))

    def _relabelled(self, targets: Targets, tasks: Sequence[Task]) -> MultiTaskDataset:
        other = MultiTaskDataset(self.images, targets, tasks, normalization=self.normalization)
        other._pixels = self._pixels  # normalized once for both
        return other
