"""A sweep of loss weights: the same training again and again, each time with other constant weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from mtl_utils.balancing import Balancer, WeightedSum
from mtl_utils.datasets.splits import Splits
from mtl_utils.evaluation import Evaluation, evaluate
from mtl_utils.tasks import check_tasks
from mtl_utils.training import fit


@dataclass(frozen=True)
class SweepPoint:
    """What one run of a sweep reached.

    Attributes:
        weights: its loss weights.
        seed: its seed.
        evaluation: losses and metrics on validation, at the end of the run.
    """

    weights: dict[str, float]
    seed: int
    evaluation: Evaluation


def sweep_weights(
    make_model: Callable[[int], nn.Module],
    data: Splits,
    weights: Sequence[Mapping[str, float]],
    *,
    seeds: Sequence[int] = (0,),
    balancer: Callable[[Mapping[str, float]], Balancer] = WeightedSum,
    **arguments: Any,
) -> list[SweepPoint]:
    """Train with each of the weights and each of the seeds, with the same budget, and measure the end on validation.

    The end, and not the best step in between: a choice by the mean over tasks would pull the ends of the front towards its
    middle.

    Args:
        make_model: makes an untrained model from a seed.
        data: the data set.
        weights: the weights of each run.
        seeds: each decides the initial model and the order of the images.
        balancer: makes a balancer from weights.
        arguments: what else `fit` takes, such as `steps` or `epochs`.

    Raises:
        ValueError: before anything is trained, if any of the weights do not fit the tasks.
    """
    tasks = arguments.pop("tasks", None)
    tasks = check_tasks(data.tasks if tasks is None else tasks)
    runs = [(each, seed, balancer(each)) for each in weights for seed in seeds]
    for *_, made in runs:
        if isinstance(made, Balancer):  # anything else `fit` tells at once
            made.prepare([task.name for task in tasks])
    points = []
    for each, seed, made in runs:
        model = make_model(seed)
        fit(model, data.train, tasks=tasks, balancer=made, seed=seed, progress=False, **arguments)
        points.append(SweepPoint(dict(each), seed, evaluate(model, data.val, tasks=tasks)))
    return points
