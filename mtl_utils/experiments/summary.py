"""Reading a table of runs: means with intervals, paired differences, and Δm against the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mtl_utils.measures import Interval, delta_m, mean_interval

if TYPE_CHECKING:
    import pandas as pd


def metrics_of(table: pd.DataFrame, way: str, task: str, *, split: str = "test", column: str = "metric") -> dict[int, float]:
    """For each seed what a way reaches at a task.

    Raises:
        ValueError: if the table has no such rows.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({'way': 'sum', 'seed': [0, 1], 'task': 'left', 'split': 'test', 'metric': [0.75, 0.5]})
        >>> metrics_of(table, 'sum', 'left')
        {0: 0.75, 1: 0.5}
    """
    chosen = table[(table["way"] == way) & (table["task"] == task) & (table["split"] == split)]
    if chosen.empty:
        known = {name: sorted(table[name].unique()) for name in ("way", "task", "split")}
        raise ValueError(f"no run of way '{way}' at task '{task}' on '{split}' in the table; it has {known}")
    return dict(zip(chosen["seed"].astype(int), chosen[column].astype(float), strict=True))


def difference(
    table: pd.DataFrame, way: str, other: str, task: str, *, split: str = "test", column: str = "metric"
) -> Interval:
    """How much larger a way's metric is than another's, seed by seed: the mean difference with its 95 % interval.

    Raises:
        ValueError: if the two have no two seeds in common.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({'way': ['FAMO', 'FAMO', 'sum', 'sum'], 'seed': [0, 1, 0, 1]})
        >>> table = table.assign(task='left', split='test', metric=[0.9, 0.8, 0.8, 0.6])
        >>> round(difference(table, 'FAMO', 'sum', 'left').mean, 3)  # 0.1 and 0.2
        0.15
    """
    one, two = (metrics_of(table, each, task, split=split, column=column) for each in (way, other))
    seeds = sorted(set(one) & set(two))
    if len(seeds) < 2:
        raise ValueError(f"ways '{way}' and '{other}' have {len(seeds)} seeds in common; an interval needs two at least")
    return mean_interval([one[seed] - two[seed] for seed in seeds])


def delta_m_by_seed(
    table: pd.DataFrame, way: str, *, baseline: str = "single", split: str = "test", paired: bool = False
) -> dict[int, float]:
    """Δm of a way for each seed, in percent; see `measures.delta_m`.

    Args:
        table: what `compare` returns.
        way: which way.
        baseline: the way to measure it by.
        split: which split.
        paired: whether each run is measured by the baseline's run with the same seed, and not by the mean of the baseline's
            runs. Then the interval over seeds holds the baseline's chance, too.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({'way': ['single', 'single', 'shared', 'shared'], 'seed': [0, 1, 0, 1]})
        >>> table = table.assign(task='left', split='test', higher_is_better=True, metric=[0.5, 0.5, 0.6, 0.55])
        >>> {seed: round(change, 3) for seed, change in delta_m_by_seed(table, 'shared').items()}
        {0: 20.0, 1: 10.0}
    """
    rows = table[(table["way"] == way) & (table["split"] == split)]
    better = dict(zip(rows["task"], rows["higher_is_better"].astype(bool), strict=True))
    reached = {task: metrics_of(table, baseline, task, split=split) for task in better}
    mean = {task: sum(of_seed.values()) / len(of_seed) for task, of_seed in reached.items()}
    by_seed: dict[int, dict[str, float]] = {}
    for seed, task, metric in zip(rows["seed"], rows["task"], rows["metric"], strict=True):
        by_seed.setdefault(int(seed), {})[task] = float(metric)
    if paired:
        by_seed = {seed: metrics for seed, metrics in by_seed.items() if all(seed in of_seed for of_seed in reached.values())}
    return {
        seed: delta_m(metrics, {task: reached[task][seed] for task in better} if paired else mean, better)
        for seed, metrics in by_seed.items()
    }


def summarize(table: pd.DataFrame, *, split: str = "test", baseline: str | None = None) -> pd.DataFrame:
    """For each way the mean metric of each task with its 95 % interval as text, and what differs between the ways.

    Args:
        table: what `compare` returns.
        split: which split.
        baseline: adds a column with Δm against this way.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({'way': 'sum', 'seed': [0, 1, 2], 'task': 'left', 'metric': [0.7, 0.8, 0.9]})
        >>> table = table.assign(split='test', updates=100, parameters=22350, seconds=1.5)
        >>> summarize(table).loc['sum', 'left']
        '0.800 ± 0.248'
    """
    import pandas as pd

    lines: list[dict[str, Any]] = []
    rows = table[table["split"] == split]
    for way in dict.fromkeys(rows["way"]):
        own = rows[rows["way"] == way]
        line: dict[str, Any] = {"way": way}
        for task in dict.fromkeys(own["task"]):
            line[task] = _in_words(list(own[own["task"] == task]["metric"].astype(float)))
        if baseline is not None and way != baseline:
            line["Δm (%)"] = _in_words(list(delta_m_by_seed(table, way, baseline=baseline, split=split).values()), digits=1)
        line["seeds"] = own["seed"].nunique()
        line["updates"] = int(own["updates"].max())
        per_run = own.groupby("seed")
        if way == baseline:  # a network for each task
            line["parameters"] = int(own.drop_duplicates("task")["parameters"].sum())
            line["seconds"] = round(float(per_run["seconds"].sum().mean()), 1)
        else:
            line["parameters"] = int(own["parameters"].max())
            line["seconds"] = round(float(per_run["seconds"].first().mean()), 1)
        lines.append(line)
    return pd.DataFrame(lines).set_index("way")


def _in_words(values: list[float], digits: int = 3) -> str:
    if len(values) < 2:
        return f"{values[0]:.{digits}f}"
    mean, half_width = mean_interval(values)
    return f"{mean:.{digits}f} ± {half_width:.{digits}f}"
