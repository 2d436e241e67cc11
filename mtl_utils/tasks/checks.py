"""Whether tasks, and the targets of a batch, are what a training needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from mtl_utils.tasks.task import Task


def check_tasks(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks as a tuple; a `ValueError` if there is none or if two have the same name.

    Example:
        >>> check_tasks([Task('digit', 'classification', 10), Task('digit', 'classification', 10)])
        Traceback (most recent call last):
        ValueError: two tasks are called 'digit'; each needs a name of its own
    """
    tasks = tuple(tasks)
    if not tasks:
        raise ValueError("at least one task is needed, none was given")
    for task in tasks:
        if not isinstance(task, Task):
            raise ValueError(f"expected tasks such as classification('digit', 10), not {task!r}")
    names = [task.name for task in tasks]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two tasks are called '{name}'; each needs a name of its own")
    return tasks


def target_of(targets: Mapping[str, Tensor], task: Task) -> Tensor:
    """A task's targets; a `ValueError` in words if the batch has none.

    Example:
        >>> import torch
        >>> target_of({'even': torch.tensor([1, 0])}, Task('even', 'classification', 2))
        tensor([1, 0])
    """
    if task.name not in targets:
        raise ValueError(f"the batch has no targets for task '{task.name}'; it has targets for {list(targets)}")
    return targets[task.name]
