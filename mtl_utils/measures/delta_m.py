"""Δm: one number that compares a multi-task model with single networks."""

from __future__ import annotations

from collections.abc import Mapping


def delta_m(
    metrics: Mapping[str, float], baseline: Mapping[str, float], higher_is_better: Mapping[str, bool] | None = None
) -> float:
    """Δm: how much better than the single-task baseline, in percent, averaged over tasks. Higher is better.

    Maninis, Radosavovic & Kokkinos, "Attentive single-tasking of multiple tasks" (CVPR 2019): the mean over tasks of
    (−1)^l·(M − B)/B, with l = 1 where a lower metric is better. Some papers flip the sign. The change is divided by |B| here,
    so that better is above zero for a baseline below zero, too.

    Args:
        metrics: the metric M of each task.
        baseline: the metric B of a network trained for that task alone, with the same budget and its own choice on validation.
        higher_is_better: for each task; `True` for those not named.

    Raises:
        ValueError: if the three are not for the same tasks, there is none, or a baseline is 0.

    Examples:
        >>> round(delta_m({'left': 0.88, 'right': 0.84}, {'left': 0.80, 'right': 0.80}), 2)  # +10 % and +5 %
        7.5
    """
    if set(metrics) != set(baseline):
        raise ValueError(
            f"metrics are for {sorted(metrics)}, the baseline is for {sorted(baseline)}; they must be the same tasks"
        )
    if not metrics:
        raise ValueError("Δm needs at least one task")
    if unknown := [name for name in higher_is_better or {} if name not in metrics]:
        raise ValueError(f"higher_is_better names {unknown}, but the metrics are for {sorted(metrics)}")
    total = 0.0
    for name, metric in metrics.items():
        if baseline[name] == 0:
            raise ValueError(f"task '{name}': the baseline is 0, so a relative change has no meaning")
        change = (metric - baseline[name]) / abs(baseline[name])
        total += change if (higher_is_better or {}).get(name, True) else -change
    return 100 * total / len(metrics)
