"""Choosing the best weights of a run by one number, from the validation of several tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mtl_utils.evaluation import Evaluation
from mtl_utils.measures.delta_m import delta_m
from mtl_utils.tasks import Task

# (validation now, first validation of the run, tasks) -> a number, higher is better.
Chooser = Callable[[Evaluation, Evaluation, Sequence[Task]], float]


def mean_improvement(now: Evaluation, first: Evaluation, tasks: Sequence[Task]) -> float:
    """The mean metric, if all tasks have the same one without a unit; else Δm with the run's first validation as its baseline.

    Metrics of different scales (an accuracy, an error in pixels, one in metres) must not be averaged; their relative changes
    may. An error has a unit, so that two are not averaged even if both are called mean absolute error. Tasks that have no label
    in the validation split do not count.

    Example:
        >>> from mtl_utils.tasks import classification
        >>> found = Evaluation(metrics={'left': 0.75, 'right': 0.25})
        >>> mean_improvement(found, found, [classification('left', 10), classification('right', 10)])
        0.5
    """
    tasks = _measured(tasks, now.metrics)
    unitless = tasks[0].metric_is_share
    if len(tasks) == 1 or (unitless and len({task.metric_name for task in tasks}) == 1):
        mean = sum(now.metrics[task.name] for task in tasks) / len(tasks)
        return mean if tasks[0].higher_is_better else -mean
    return delta_m(
        {task.name: now.metrics[task.name] for task in tasks},
        # From 0 there is no relative change; a 1 in its place makes the plain change count, which orders weights just as well.
        {task.name: first.metrics[task.name] or 1.0 for task in tasks},
        {task.name: task.higher_is_better for task in tasks},
    )


def metric_of(name: str) -> MetricOf:
    """Chooses by the metric of one task alone, whatever the others do.

    Example:
        >>> from mtl_utils.tasks import classification
        >>> found = Evaluation(metrics={'left': 0.75, 'right': 0.25})
        >>> metric_of('left')(found, found, [classification('left', 10), classification('right', 10)])
        0.75
    """
    return MetricOf(name)


@dataclass(frozen=True)
class MetricOf:
    """See `metric_of`. An object rather than a function, so that a name that no task has can be told before the training."""

    name: str

    def __call__(self, now: Evaluation, first: Evaluation, tasks: Sequence[Task]) -> float:
        task = self.task_among(tasks)
        return now.metrics[self.name] if task.higher_is_better else -now.metrics[self.name]

    def task_among(self, tasks: Sequence[Task]) -> Task:
        """The task that is chosen by; a `ValueError` in words if it is not among the tasks."""
        for task in tasks:
            if task.name == self.name:
                return task
        raise ValueError(f"cannot choose by task '{self.name}'; the tasks are {[task.name for task in tasks]}")


def lowest_loss(now: Evaluation, first: Evaluation, tasks: Sequence[Task]) -> float:
    """Chooses by the sum of the validation losses of the tasks that have a label in the validation split.

    Example:
        >>> from mtl_utils.tasks import classification
        >>> found = Evaluation(losses={'left': 0.25, 'right': 0.5})
        >>> lowest_loss(found, found, [classification('left', 10), classification('right', 10)])  # higher is better
        -0.75
    """
    return -sum(now.losses[task.name] for task in _measured(tasks, now.losses))


def _measured(tasks: Sequence[Task], values: Mapping[str, float]) -> list[Task]:
    """The tasks that have a value; a `ValueError` if there is none."""
    measured = [task for task in tasks if not math.isnan(values[task.name])]
    if not measured:
        raise ValueError(
            "no task has a label in the validation split, so the best weights cannot be chosen "
            "(batches must be a list or a DataLoader, which can be read again, not a generator)"
        )
    return measured
