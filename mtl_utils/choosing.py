"""Choosing the best weights of a run by one number, from the validation of several tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mtl_utils.evaluation import Evaluation
from mtl_utils.metrics import delta_m
from mtl_utils.tasks import Task

# (validation now, first validation of the run, tasks) -> a number, higher is better.
Chooser = Callable[[Evaluation, Evaluation, Sequence[Task]], float]


def mean_improvement(now: Evaluation, first: Evaluation, tasks: Sequence[Task]) -> float:
    """The mean metric, if all tasks have the same one; else Δm with the run's first validation as its baseline.

    Metrics of different scales (an accuracy, an error in pixels) must not be averaged; their relative changes may. Tasks that
    have no label in the validation split do not count.
    """
    tasks = [task for task in tasks if now.metrics[task.name] == now.metrics[task.name]]
    if not tasks:
        raise ValueError(
            "no task has a label in the validation split, so the best weights cannot be chosen "
            "(batches must be a list or a DataLoader, which can be read again, not a generator)"
        )
    if len({task.metric_name for task in tasks}) == 1:
        mean = sum(now.metrics[task.name] for task in tasks) / len(tasks)
        return mean if tasks[0].higher_is_better else -mean
    return delta_m(
        {task.name: now.metrics[task.name] for task in tasks},
        # From 0 there is no relative change; a 1 in its place makes the plain change count, which orders weights just as well.
        {task.name: first.metrics[task.name] or 1.0 for task in tasks},
        {task.name: task.higher_is_better for task in tasks},
    )


def metric_of(name: str) -> Chooser:
    """Chooses by the metric of one task alone, whatever the others do."""

    def chooser(now: Evaluation, first: Evaluation, tasks: Sequence[Task]) -> float:
        task = next((task for task in tasks if task.name == name), None)
        if task is None:
            raise ValueError(f"cannot choose by task '{name}'; the tasks are {[each.name for each in tasks]}")
        return now.metrics[name] if task.higher_is_better else -now.metrics[name]

    return chooser


def lowest_loss(now: Evaluation, first: Evaluation, tasks: Sequence[Task]) -> float:
    """Chooses by the sum of the tasks' validation losses."""
    return -sum(now.losses[task.name] for task in tasks)
