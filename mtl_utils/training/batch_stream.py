"""Training batches without end, whatever they come from."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import torch

from mtl_utils.data.batches import checked_batches, target_of
from mtl_utils.data.split import Batch, MultiTaskData, Split
from mtl_utils.tasks import Task

Data = MultiTaskData | Split | Iterable[Batch]


def stream(
    data: Split | Iterable[Batch], tasks: Sequence[Task], batch_size: int, order: torch.Generator, device: torch.device
) -> Iterator[tuple[int, bool, Batch]]:
    """Batches without end, each with the number of its epoch and whether it is the last of it.

    Batches of foreign data without any label are left out: nothing could be learned from them.

    Raises:
        ValueError: if foreign data give no batch with a label, or can be read only once.
    """
    for epoch in itertools.count(1):
        if isinstance(data, Split):
            last = max(len(data) // batch_size, 1)
            for number, whole in enumerate(data.batches(batch_size, shuffle=order, device=device), start=1):
                yield epoch, number == last, whole
            continue
        batches = (batch for batch in checked_batches(data, tasks) if _has_label(batch, tasks))
        batch = next(batches, None)
        if batch is None:
            again = (
                f" in epoch {epoch}: give a list or a DataLoader, which can be read again, not a generator" if epoch > 1 else ""
            )
            raise ValueError(f"the training data gave no batch with a label{again}")
        while batch is not None:
            following = next(batches, None)
            yield epoch, following is None, batch
            batch = following


def steps_per_epoch(data: Data, tasks: Sequence[Task] | None, batch_size: int) -> int | None:
    """Updates in one pass over the training data; `None` if they do not say how many batches they have."""
    split = data.train if isinstance(data, MultiTaskData) else data
    if isinstance(split, Split):
        known = [task for task in split.tasks if tasks is None or task.name in {each.name for each in tasks}]
        return max(int(split.labelled_images(known).sum()) // batch_size, 1)
    try:
        return len(split)  # type: ignore[arg-type]
    except TypeError:
        return None


def completely_labelled(data: Split | Iterable[Batch], tasks: Sequence[Task]) -> frozenset[str]:
    """Tasks of which a split has every label, so that no step needs to look for missing ones."""
    if not isinstance(data, Split):
        return frozenset()
    return frozenset(task.name for task in tasks if bool(task.labelled(data.targets[task.name]).all()))


def _has_label(batch: Batch, tasks: Sequence[Task]) -> bool:
    return any(bool(task.labelled(target_of(batch[1], task)).any()) for task in tasks)
