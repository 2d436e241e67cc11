"""Comparing ways of solving the same tasks: fair by construction, over several seeds, with what differs as a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mtl_utils._checks import check_positive
from mtl_utils.balancing import Balancer
from mtl_utils.datasets.batches import training_data
from mtl_utils.datasets.splits import Splits
from mtl_utils.experiments.results import ResultsFile, fingerprint
from mtl_utils.experiments.runs import Run, in_parallel, rows_of
from mtl_utils.experiments.way import ModelFactory, Way, describe
from mtl_utils.models import EncoderFactory, single_task
from mtl_utils.penalties import Penalty
from mtl_utils.randomness import seed_shift
from mtl_utils.training.choosing import Chooser, metric_of
from mtl_utils.training.optimizer import OptimizerFactory

if TYPE_CHECKING:
    import pandas as pd

SINGLE = "single"


def compare(
    ways: Mapping[str, ModelFactory | Way],
    splits: Splits | Callable[[int], Splits],
    *,
    seeds: Sequence[int] = range(3),
    updates: int | None = None,
    epochs: int | None = None,
    batch_size: int = 256,
    optimizer: OptimizerFactory | None = None,
    schedule: Callable[[Optimizer], LRScheduler] | None = None,
    balancer: Callable[[], Balancer] | None = None,
    penalty: Callable[[], Callable[[nn.Module], Tensor]] | None = None,
    choose: Chooser | None = None,
    validate_every: int | None = None,
    baseline: Literal["single"] | None = None,
    encoder: EncoderFactory | None = None,
    measure: Sequence[str] = ("test",),
    results: str | Path | None = None,
    jobs: int = 1,
    device: str | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Train each way with each seed, and measure: one row per way, seed, task and split.

    All ways have the same data, seeds, updates, batches and choice on validation, unless a `Way` says otherwise; what differs
    is in the table. Each run computes on one thread, so that `jobs=2` gives the same numbers as `jobs=1`, in half the time.

    Args:
        ways: for each name a function that makes an untrained model from a seed, or a `Way` with settings of its own.
        splits: the data set, or a function that makes it from the seed (for labels that are drawn by chance, say).
        seeds: of each way; runs with the same seed belong together.
        updates, epochs: how long each run trains; exactly one of them. An epoch is one pass over the training images.
        batch_size, optimizer, schedule, choose: as for `fit`.
        balancer, penalty: functions that *make* one, for each run needs a new one, such as `balancing.FAMO`.
        validate_every: updates between validations; one epoch by default.
        baseline: `"single"` adds a way of this name: a network of its own for each task, trained on *all the images that are
            labelled for it*, with as many updates, in full batches, and chosen on validation by that task.
        encoder: makes the encoder of the baseline's networks.
        measure: the splits to measure at the end: `test`, `val`, `train`.
        results: a CSV file. Every finished run is in it before the next begins, and runs that are in it are not made again.
        jobs: processes at a time. On a cluster, put `joblib.parallel_config("dask")` around the call.
        device: where to compute.
        progress: whether to show a bar with the time that is left.

    Returns:
        A table with the columns `way`, `seed`, `task`, `split`; `metric`, `loss`, `measure` (the metric's name),
        `higher_is_better`; `updates`, `best_step`; `labels` (images labelled for the task), `exposure` (how often each of them
        was seen), `tuning` (runs spent on choosing settings); `parameters`, `seconds`; `made_by` (what made the row).

    Raises:
        ValueError: in words, before anything is trained, if the arguments do not fit each other.
        KeyboardInterrupt: if it is interrupted. Finished runs are in `results`; the interrupted one is not.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(256, 100, 100)
        >>> table = compare({"hard sharing": lambda seed: models.hard_sharing(models.lenet, pairs, seed=seed)},
        ...                 pairs, seeds=range(2), updates=4, baseline="single", encoder=models.lenet, progress=False)
        >>> len(table)  # 2 ways, 2 seeds, 2 tasks, 1 split
        8
    """
    import pandas as pd

    if (epochs is None) == (updates is None):
        raise ValueError("say how long to train: either epochs=… or updates=…, and only one of them")
    check_positive("jobs", jobs)
    _check(ways, seeds, measure, baseline, encoder)
    for what, maker in (("balancer", balancer), ("penalty", penalty)):
        if maker is not None and (isinstance(maker, Balancer | Penalty) or not callable(maker)):
            raise ValueError(f"{what}= takes a function that makes one, such as `lambda: …`: each run needs a new one")
    # Every way takes from here what it does not say.
    common = Way(lambda _: nn.Identity(), balancer, penalty, optimizer, schedule, batch_size, choose, updates)
    plan: list[Run] = []
    data = {seed: splits(seed) if callable(splits) else splits for seed in seeds}
    for name, given in ways.items():
        for seed in seeds:
            way = given if isinstance(given, Way) else Way(given)
            plan.append(_filled_in(name, way, common, seed, data[seed], epochs, validate_every, tuple(measure), device))
    if baseline is not None:
        assert encoder is not None
        for seed in seeds:
            for task in data[seed].tasks:
                alone = Way(_single(encoder, data[seed], task.name), choose=metric_of(task.name), tasks=(task.name,))
                alone = replace(alone, balancer=None, penalty=penalty)
                run = _filled_in(SINGLE, alone, common, seed, data[seed], epochs, validate_every, tuple(measure), device)
                plan.append(replace(run, name=f"{SINGLE} {task.name}", way=replace(run.way, balancer=None)))
    file = ResultsFile(results) if results is not None else None
    to_do = []
    for run in plan:
        made_by = fingerprint(
            run.name,
            run.way.described(),
            describe(run.splits),
            repr((run.validate_every, run.measure)),
            str(seed_shift() or ""),
        )
        if file is None or not file.has(run.name, run.seed, made_by):
            to_do.append((run, made_by))
    rows: list[dict[str, Any]] = []
    for done in in_parallel(rows_of, to_do, jobs=jobs, progress=progress, unit="run"):
        if file is not None:
            file.add(done)
        rows += done
    return read_results(file.path) if file is not None else tidy(pd.DataFrame(rows))


def read_results(path: str | Path) -> pd.DataFrame:
    """The table of a results file.

    Example:
        >>> table = read_results('studies/ways_of_sharing_two_digits_3.csv')
        >>> sorted(set(table['task']))
        ['left', 'right']
    """
    import pandas as pd

    return tidy(pd.read_csv(path).drop(columns="rows"))


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """The networks of the baseline, one for each task, under one name."""
    table = table.copy()
    single = table["way"].str.startswith(f"{SINGLE} ")
    table.loc[single, "way"] = SINGLE
    return table


def _filled_in(
    name: str,
    way: Way,
    common: Way,
    seed: int,
    data: Splits,
    epochs: int | None,
    validate_every: int | None,
    measure: tuple[str, ...],
    device: str | None,
) -> Run:
    """A run in which nothing is left open."""
    if way.splits is not None:
        data = way.splits(seed) if callable(way.splits) else way.splits
    wanted = {
        field: getattr(common, field) if getattr(way, field) is None else getattr(way, field)
        for field in ("balancer", "penalty", "optimizer", "schedule", "batch_size", "choose", "updates")
    }
    per_epoch = training_data(data, batch_size=wanted["batch_size"]).train.per_epoch() or 1
    if wanted["updates"] is None:
        assert epochs is not None
        wanted["updates"] = epochs * per_epoch
    if way.tasks is not None:
        data = data.for_tasks(*way.tasks)
    return Run(name, replace(way, splits=None, **wanted), seed, data, validate_every or per_epoch, measure, device)


def _single(encoder: EncoderFactory, data: Splits, task: str) -> ModelFactory:
    return lambda seed: single_task(encoder, data, task, seed=seed)


def _check(
    ways: Mapping[str, ModelFactory | Way],
    seeds: Sequence[int],
    measure: Sequence[str],
    baseline: str | None,
    encoder: EncoderFactory | None,
) -> None:
    for name, way in ways.items():
        if isinstance(way, nn.Module) or not (isinstance(way, Way) or callable(way)):
            raise ValueError(
                f"way '{name}': give a function that makes a model from a seed, or a Way, not {type(way).__name__}"
            )
        if name == SINGLE or name.startswith(f"{SINGLE} "):
            raise ValueError(f"a way cannot be called '{name}': that is the name of the baseline")
    if not ways and baseline is None:
        raise ValueError("there is nothing to compare: give at least one way, or baseline='single'")
    if len(set(seeds)) < len(list(seeds)) or not list(seeds):
        raise ValueError(f"seeds must be different whole numbers, at least one, not {list(seeds)}")
    if isinstance(measure, str) or not set(measure) <= {"train", "val", "test"} or not measure:
        raise ValueError(f"measure= takes some of 'train', 'val' and 'test' in a list, not {measure!r}")
    if baseline not in (None, SINGLE):
        raise ValueError(f"baseline= must be 'single' or None, not {baseline!r}")
    if baseline is not None and encoder is None:
        raise ValueError("baseline='single' needs encoder=, such as models.lenet: what each task's own network is made of")
