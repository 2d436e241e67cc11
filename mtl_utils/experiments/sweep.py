"""A sweep of loss weights: the same training again and again, each time with other constant weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mtl_utils._checks import check_positive
from mtl_utils.balancing import Balancer, WeightedSum
from mtl_utils.datasets.splits import Splits
from mtl_utils.evaluation import Evaluation, evaluate
from mtl_utils.experiments.runs import in_parallel, one_thread
from mtl_utils.experiments.way import ModelFactory, check_factory
from mtl_utils.tasks import Task, check_tasks
from mtl_utils.training import train
from mtl_utils.training.optimizer import OptimizerFactory


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
    make_model: ModelFactory,
    data: Splits,
    weights: Sequence[Mapping[str, float]],
    *,
    seeds: Sequence[int] = (0,),
    balancer: Callable[[Mapping[str, float]], Balancer] = WeightedSum,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int = 256,
    optimizer: OptimizerFactory | None = None,
    schedule: Callable[[Optimizer], LRScheduler] | None = None,
    penalty: Callable[[nn.Module], Tensor] | None = None,
    tasks: Sequence[Task] | None = None,
    device: str | None = None,
    jobs: int = 1,
    progress: bool = False,
) -> list[SweepPoint]:
    """Train with each of the weights and each of the seeds, with the same budget, and measure the end on validation.

    The end, and not the best step in between: a choice by the mean over tasks would pull the ends of the front towards its
    middle. Each run computes on one thread, so that `jobs=2` gives the same numbers as `jobs=1`.

    Args:
        make_model: makes an untrained model from a seed.
        data: the data set.
        weights: the weights of each run.
        seeds: each decides the initial model and the order of the images.
        balancer: makes a balancer from weights.
        epochs, steps, batch_size, optimizer, schedule, penalty, tasks, device: as for `fit`.
        jobs: processes at a time.
        progress: whether to show a bar with the time that is left.

    Raises:
        ValueError: before anything is trained, if any of the weights do not fit the tasks.
        KeyboardInterrupt: if it is interrupted; half a run is no result.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(60, 20, 20)
        >>> points = sweep_weights(lambda seed: models.hard_sharing(models.lenet, pairs, seed=seed), pairs,
        ...                        [{'left': 0.2, 'right': 0.8}, {'left': 0.8, 'right': 0.2}], steps=2, progress=False)
        >>> [(point.weights['left'], sorted(point.evaluation.metrics)) for point in points]
        [(0.2, ['left', 'right']), (0.8, ['left', 'right'])]
    """
    tasks = check_tasks(data.tasks if tasks is None else tasks)
    check_positive("jobs", jobs)
    check_factory(make_model)
    made = [(each, balancer(each)) for each in weights]
    for _, checked in made:
        if isinstance(checked, Balancer):  # anything else `train` tells at once
            checked.prepare([task.name for task in tasks])
    arguments = {
        "epochs": epochs, "steps": steps, "batch_size": batch_size, "optimizer": optimizer, "schedule": schedule,
        "penalty": penalty, "device": device,
    }  # fmt: skip
    runs = [(make_model, data, dict(each), balancer, seed, tasks, arguments) for each, _ in made for seed in seeds]
    return list(in_parallel(_run, runs, jobs=jobs, progress=progress, unit="run"))


def _run(
    make_model: ModelFactory,
    data: Splits,
    weights: dict[str, float],
    balancer: Callable[[Mapping[str, float]], Balancer],
    seed: int,
    tasks: tuple[Task, ...],
    arguments: dict[str, object],
) -> SweepPoint:
    with one_thread():
        model = make_model(seed)
        for _ in train(model, data.train, tasks=tasks, balancer=balancer(weights), seed=seed, **arguments):  # type: ignore[arg-type]
            pass
        return SweepPoint(weights, seed, evaluate(model, data.val, tasks=tasks))
