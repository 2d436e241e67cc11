"""One run of an experiment: a model is trained and measured, and what came out becomes rows of a table."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from mtl_utils.datasets.splits import Splits
from mtl_utils.evaluation import Evaluation, evaluate
from mtl_utils.experiments.way import Way
from mtl_utils.models import count_parameters
from mtl_utils.training import History, train

# Trainings that share the cores with others must not use all of them; and one thread gives the same numbers on any computer
# with the same kind of processor, however many cores it has.
_THREADS = 1


@dataclass(frozen=True)
class Run:
    """What one run is to do.

    Attributes:
        name: of the way.
        way: with everything filled in that `compare` decides.
        seed: of the model, the order of the images and all chance.
        splits: the data, with the tasks that are trained.
        validate_every: updates between validations.
        measure: names of the splits to measure at the end.
        device: where to compute.
    """

    name: str
    way: Way
    seed: int
    splits: Splits
    validate_every: int
    measure: tuple[str, ...]
    device: str | None = None


@dataclass(frozen=True)
class Trained:
    """A finished run: its model, its history and what it reaches on each split."""

    model: nn.Module
    history: History
    evaluations: dict[str, Evaluation]
    seconds: float


def execute(run: Run) -> Trained:
    """Train and measure, on one thread.

    Raises:
        KeyboardInterrupt: if the run is interrupted; half a run is no result.
    """
    way = run.way
    with one_thread():
        started = time.perf_counter()
        model, history = way.model(run.seed), History()
        arguments: dict[str, Any] = {} if way.choose is None else {"choose": way.choose}
        for _ in train(
            model, run.splits, steps=way.updates, batch_size=way.batch_size or 256, optimizer=way.optimizer,
            schedule=way.schedule, balancer=way.balancer() if way.balancer else None,
            penalty=way.penalty() if way.penalty else None, validate_every=run.validate_every, seed=run.seed,
            device=run.device, history=history, **arguments,
        ):  # fmt: skip
            pass
        seconds = time.perf_counter() - started
        evaluations = {split: evaluate(model, getattr(run.splits, split)) for split in run.measure}
    return Trained(model, history, evaluations, seconds)


def rows_of(run: Run, fingerprint: str = "") -> list[dict[str, Any]]:
    """Execute a run; a row for each task and split."""
    done = execute(run)
    updates = len(done.history.steps)
    images = int(run.splits.train.labelled_images(run.splits.tasks).sum())
    shown = updates * min(run.way.batch_size or 256, images)  # what is left over at the end of an epoch is not shown
    labelled = {task.name: int(run.splits.train.labelled_images([task]).sum()) for task in run.splits.tasks}
    return [
        {
            "way": run.name,
            "seed": run.seed,
            "task": task.name,
            "split": split,
            "metric": measured.metrics[task.name],
            "loss": measured.losses[task.name],
            "measure": task.metric_name,
            "higher_is_better": task.higher_is_better,
            "updates": updates,
            "best_step": done.history.best_step,
            "labels": labelled[task.name],
            "exposure": shown / images,
            "tuning": run.way.tuning,
            "parameters": count_parameters(done.model),
            "seconds": round(done.seconds, 3),
            "made_by": fingerprint,
        }
        for split, measured in done.evaluations.items()
        for task in run.splits.tasks
    ]


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, PyTorch computes on one thread; afterwards on as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(_THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_parallel(function: Any, jobs_to_do: Sequence[tuple[Any, ...]], *, jobs: int, progress: bool, unit: str) -> Iterator[Any]:
    """The results of a function for each tuple of arguments, in order of the tuples, as they are ready.

    Args:
        function: called with each tuple's values, in other processes if `jobs` is above 1.
        jobs_to_do: the arguments.
        jobs: processes at a time; joblib's backend may spread them further (`joblib.parallel_config`).
        progress: whether to show a bar with the time that is left.
        unit: what one call is called.
    """
    from tqdm.auto import tqdm

    if jobs == 1:
        results = (function(*arguments) for arguments in jobs_to_do)
    else:
        import joblib

        results = joblib.Parallel(n_jobs=jobs, return_as="generator")(
            joblib.delayed(function)(*arguments) for arguments in jobs_to_do
        )
    yield from tqdm(results, total=len(jobs_to_do), unit=unit, disable=not progress, delay=1, leave=False)
