"""Intervals over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

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
