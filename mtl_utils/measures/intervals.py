"""Intervals over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch


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

    Examples:
        >>> mean, half = mean_interval([1.0, 2.0, 3.0])
        >>> print(f'{mean:.1f} ± {half:.2f}')
        2.0 ± 2.48
    """
    if len(values) < 2:
        raise ValueError(f"an interval needs at least two values, there are {len(values)}")
    from scipy.special import stdtrit  # takes half a second to import

    numbers = torch.tensor(list(values), dtype=torch.float64)
    quantile = float(stdtrit(len(values) - 1, 0.975))
    return Interval(float(numbers.mean()), float(quantile * numbers.std() / len(values) ** 0.5))
