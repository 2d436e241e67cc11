"""What the sliders of a loss-weight lab may be set to, and what they move."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Protocol


class Weighable(Protocol):
    """A balancer whose weights may be assigned while training runs, such as `WeightedSum` or `SmoothTchebycheff`."""

    @property
    def weights(self) -> dict[str, float]: ...
    @weights.setter
    def weights(self, weights: Mapping[str, float]) -> None: ...


def slider_limits(limits: tuple[float, float] | None, scale: str, start: Mapping[str, float]) -> tuple[float, float]:
    """Lowest and highest weight of a slider; a `ValueError` in words if they cannot be."""
    if scale not in ("linear", "logarithmic"):
        raise ValueError(f"scale must be 'linear' or 'logarithmic', not {scale!r}")
    low, high = limits if limits is not None else (0.0, 1.0) if scale == "linear" else (1e-3, 1e3)
    if not 0 <= low < high < float("inf") or (scale == "logarithmic" and low == 0):
        raise ValueError(f"limits must be two numbers, 0 ≤ low < high (and 0 < low on a logarithmic scale), not {(low, high)}")
    check_within((low, high), start)
    return low, high


def check_within(limits: tuple[float, float], weights: Mapping[str, float]) -> None:
    """A `ValueError` in words for a weight that no slider shows. What is no weight at all is left to the balancer."""
    low, high = limits
    for name, weight in weights.items() if isinstance(weights, Mapping) else ():
        if isinstance(weight, Real) and (weight > high or 0 <= weight < low):
            raise ValueError(f"task '{name}': the slider goes from {low:g} to {high:g}, not to {weight!r}; see `limits`")
