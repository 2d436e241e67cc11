"""The one door for data: whatever may be trained or measured on, told apart here and nowhere else.

A data set (`Splits`), one of its splits (`MultiTaskDataset`), a `DataLoader` or any other iterable of
`(images, {task: targets})` becomes `Batches`, which answer all that a loop needs to know.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mtl_utils._checks import check_positive
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.datasets.pixels import Normalization
from mtl_utils.datasets.splits import Splits
from mtl_utils.randomness import RandomState
from mtl_utils.tasks import Batch, Targets, Task, check_tasks, target_of

Data = Splits | MultiTaskDataset | Iterable[Batch]


class Batches(ABC):
    """Batches `(images, {task: targets})` of some tasks, as often as one wants.

    Attributes:
        tasks: the tasks.
        image_shape, normalization: of the images, where they are known beforehand.
    """

    def __init__(self, tasks: tuple[Task, ...]) -> None:
        self.tasks = tasks
        self.image_shape: tuple[int, int, int] | None = None
        self.normalization: Normalization | None = None

    @property
    def complete(self) -> frozenset[str]:
        """Names of tasks that have a label for every image to train on, so that nobody needs to look for missing ones."""
        return frozenset()

    @abstractmethod
    def once(self, device: torch.device | str = "cpu") -> Iterator[Batch]:
        """Every image once, in the order in which they are stored."""

    @abstractmethod
    def shuffled(self, order: torch.Generator, device: torch.device | str = "cpu") -> Iterator[tuple[bool, Batch]]:
        """One epoch in a new order, each batch with whether it is the last; only images with a label.

        Foreign data come in their own order. A `DataLoader` that shuffles by PyTorch's global generator follows `order`.
        """

    @abstractmethod
    def per_epoch(self) -> int | None:
        """Updates in one epoch; `None` if the data do not say."""

    @abstractmethod
    def sample(self, count: int) -> Batch | None:
        """The first `count` labelled images; `None` if that means to read through an iterable."""


class TrainingData(NamedTuple):
    """What to train on, and what to validate on, if there is anything."""

    train: Batches
    val: Batches | None


def as_batches(data: Data, tasks: Sequence[Task] | None = None, *, batch_size: int = 256) -> Batches:
    """Batches of one split, or of any iterable of batches.

    Args:
        data: a split, or any iterable of `(images, {task: targets})`, such as a `DataLoader`.
        tasks: the tasks to look for; those that the data come with by default.
        batch_size: images per batch, for a split.

    Raises:
        ValueError: in words, if a whole data set comes, the data do not say which tasks they have, or do not fit the tasks.
    """
    if isinstance(data, Splits):
        raise ValueError(
            f"one split is needed, and '{data.name}' has three: name its .val (to choose) or .test (at the very end)"
        )
    tasks = check_tasks(tasks if tasks is not None else tasks_of(data))
    if isinstance(data, MultiTaskDataset):
        return _OfDataset(data, tasks, batch_size)
    if not isinstance(data, Iterable):
        raise ValueError(f"data must be a split or batches (images, {{task: targets}}), not {data!r}")
    return _Foreign(data, tasks)


def training_data(
    data: Data,
    tasks: Sequence[Task] | None = None,
    *,
    val: MultiTaskDataset | Iterable[Batch] | None = None,
    batch_size: int = 256,
) -> TrainingData:
    """What `train` needs: batches to train on, and those to validate on (the data set's `val` split, unless another is given).

    Raises:
        ValueError: in words, if data, validation and tasks do not fit each other.
    """
    tasks = check_tasks(tasks if tasks is not None else tasks_of(data))
    if isinstance(data, Splits):
        val = data.val if val is None else val
        data = data.train
    train = as_batches(data, tasks, batch_size=check_positive("batch size", batch_size))
    if val is None:
        return TrainingData(train, None)
    if isinstance(val, MultiTaskDataset):
        for task in tasks:
            if task.name not in val.targets:
                raise ValueError(f"the validation split has no task '{task.name}'; its tasks are {list(val.targets)}")
    validation = as_batches(val, tasks, batch_size=EVALUATION_BATCH)
    _check_alike(validation, train)
    return TrainingData(train, validation)


# Larger batches are slower: the small CNN takes twice the time per image with 500, for its features leave the cache.
EVALUATION_BATCH = 250


def tasks_of(data: object) -> tuple[Task, ...]:
    """The tasks that data come with: those of a split or a data set, or of the split inside a `DataLoader`."""
    for holder in (data, getattr(data, "dataset", None)):
        tasks = getattr(holder, "tasks", None)
        if tasks is not None:
            return tuple(tasks)
    raise ValueError(f"{type(data).__name__} does not say which tasks it has; name them in `tasks=`")


class _OfDataset(Batches):
    def __init__(self, dataset: MultiTaskDataset, tasks: tuple[Task, ...], batch_size: int) -> None:
        super().__init__(tasks)
        check_positive("batch size", batch_size)
        dataset.check_fits(tasks)
        if dataset.tasks != tasks:
            dataset = dataset.for_tasks(*[task.name for task in tasks])
        self._dataset, self._batch_size = dataset, batch_size
        self._labelled: MultiTaskDataset | None = None
        self.image_shape, self.normalization = dataset.image_shape, dataset.normalization

    @property
    def complete(self) -> frozenset[str]:
        targets = self._with_label().targets
        known = [task for task in self.tasks if isinstance(targets[task.name], Tensor)]  # others are read batch by batch
        return frozenset(task.name for task in known if bool(task.labelled(targets[task.name]).all()))

    def once(self, device: torch.device | str = "cpu") -> Iterator[Batch]:
        return self._dataset.batches(self._batch_size, device=device)

    def shuffled(self, order: torch.Generator, device: torch.device | str = "cpu") -> Iterator[tuple[bool, Batch]]:
        labelled, last = self._with_label(), self.per_epoch()
        for number, batch in enumerate(labelled.batches(self._batch_size, shuffle=order, device=device), start=1):
            yield number == last, batch

    def per_epoch(self) -> int:
        return max(len(self._with_label()) // self._batch_size, 1)

    def sample(self, count: int) -> Batch:
        return self._with_label().batch(slice(0, count))

    def _with_label(self) -> MultiTaskDataset:
        """Without images that have no label at all: they teach nothing, and would empty a batch."""
        if self._labelled is None:
            self._labelled = self._dataset.with_any_label()
        return self._labelled


class _Foreign(Batches):
    def __init__(self, batches: Iterable[Batch], tasks: tuple[Task, ...]) -> None:
        super().__init__(tasks)
        self._batches, self._epochs = batches, 0

    def once(self, device: torch.device | str = "cpu") -> Iterator[Batch]:
        return checked_batches(self._batches, self.tasks)

    def shuffled(self, order: torch.Generator, device: torch.device | str = "cpu") -> Iterator[tuple[bool, Batch]]:
        # A DataLoader shuffles by PyTorch's global generator. For each epoch it gets a state of its own, which `order` decides.
        chance = RandomState(int(torch.randint(2**31, (), generator=order)))
        batches = (batch for batch in checked_batches(self._batches, self.tasks) if self._has_label(batch[1]))
        with chance:
            batch = next(batches, None)
        if batch is None:
            again = f" in epoch {self._epochs + 1}: give a list or a DataLoader, which can be read again, not a generator"
            raise ValueError(f"the training data gave no batch with a label{again if self._epochs else ''}")
        self._epochs += 1
        while batch is not None:
            with chance:
                following = next(batches, None)
            yield following is None, batch
            batch = following

    def per_epoch(self) -> int | None:
        try:
            return len(self._batches)  # type: ignore[arg-type]
        except TypeError:
            return None

    def sample(self, count: int) -> None:
        return None

    def _has_label(self, targets: Targets) -> bool:
        return any(bool(task.labelled(target_of(targets, task)).any()) for task in self.tasks)


def checked_batches(batches: Iterable[Batch], tasks: Sequence[Task]) -> Iterator[Batch]:
    """The same batches, once each has been found to fit the tasks; in the types that models and losses take.

    Args:
        batches: `(images, {task: targets})`; images are real-valued, `[n, C, H, W]`, and come as `float32`.
        tasks: the tasks to look for. Targets of others are left out.

    Raises:
        ValueError: in words, which task's targets do not fit, what was expected and what came.
    """
    for batch in batches:
        if not isinstance(batch, Sequence) or len(batch) != 2 or not isinstance(batch[1], Mapping):
            raise ValueError(f"a batch must be a pair (images, {{task: targets}}), not {_described(batch)}")
        images, targets = batch
        if not isinstance(images, Tensor) or not images.is_floating_point():
            raise ValueError(
                f"a batch's images must be a tensor of real values, such as torch.float32, not {_described(images)}; "
                "a MultiTaskDataset turns uint8 images into them"
            )
        if images.dim() < 2:
            raise ValueError(f"a batch's images must be a tensor [n, C, H, W], not of shape {tuple(images.shape)}")
        images = images.to(torch.float32)
        # The sum is forty times faster than to look at every value, and finite only if all of them are.
        if not math.isfinite(images.sum().item()) and not torch.isfinite(images).all():
            # Told here, for a running mean of batch norm that has met such an image never recovers.
            raise ValueError("a batch's images hold values that are not finite (NaN or infinite)")
        height, width = images.shape[-2:]
        for task in tasks:
            task.check_targets(target_of(targets, task), count=len(images), image_size=(height, width), whole_split=False)
        yield images, {task.name: targets[task.name].to(task.target_dtype) for task in tasks}


def _check_alike(val: Batches, train: Batches) -> None:
    """Validation images have the shape and the normalization of training images, where both are known."""
    if val.image_shape is None or train.image_shape is None:
        return
    if val.image_shape != train.image_shape:
        raise ValueError(f"validation images are {val.image_shape}, training images {train.image_shape}")
    if val.normalization != train.normalization:
        raise ValueError(
            "the validation split is normalized by other numbers than the training split, so the model would see other images "
            "than it learns from; give val=validation.with_normalization(training.normalization), or both in a Splits"
        )


def _described(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a {value.dtype} tensor"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"a {type(value).__name__} of {', '.join(type(each).__name__ for each in value)}"
    return f"a {type(value).__name__}"
