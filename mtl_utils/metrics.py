"""Measures that torchmetrics lacks: comparisons of methods, intervals over seeds, and gradients' agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

# Two-sided 95 % quantiles of Student's t for 1, 2, 3 … degrees of freedom (from a table; scipy.stats.t.ppf(0.975, n)).
_T_95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


class Interval(NamedTuple):
    """A mean over seeds with its 95 % confidence interval, `mean ± half_width`."""

    mean: float
    half_width: float

    @property
    def low(self) -> float:
        """Lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean + self.half_width


def mean_interval(values: Sequence[float]) -> Interval:
    """Mean and 95 % confidence interval of the mean, by Student's t.

    Args:
        values: one number per seed, at least two. For a comparison of two methods with the same seeds, give the *differences*.
    """
    if len(values) < 2:
        raise ValueError(f"an interval needs at least two values, there are {len(values)}")
    numbers = torch.tensor(list(values), dtype=torch.float64)
    freedom = len(values) - 1
    # Beyond the table, the first two terms of the quantile's expansion in 1/freedom; right to three digits.
    quantile = _T_95[freedom - 1] if freedom <= len(_T_95) else 1.96 + 2.4 / freedom
    return Interval(float(numbers.mean()), float(quantile * numbers.std() / len(values) ** 0.5))


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


def gradient_cosine(jacobian: Tensor) -> Tensor:
    """Cosines between the rows of a matrix of gradients.

    Args:
        jacobian: `[T, P]`, one gradient per task (see `mtl_utils.balancing.task_gradients`).

    Returns:
        `[T, T]`, symmetric, ones on the diagonal; 0 where a gradient is zero. Below 0 the gradients conflict.
    """
    if jacobian.dim() != 2:
        raise ValueError(f"gradients must come as a matrix [tasks, parameters], not {tuple(jacobian.shape)}")
    unit = torch.nn.functional.normalize(jacobian, dim=1)
    return (unit @ unit.T).clamp(-1, 1)
