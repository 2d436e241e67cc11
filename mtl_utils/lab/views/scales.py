"""Limits of axes that stay put: round numbers, which change seldom and so do not make a picture jump."""

from __future__ import annotations

import math

from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from mtl_utils.tasks import Task

_STEPS = (1.0, 2.0, 5.0, 10.0)


def round_down(value: float) -> float:
    """The largest of 1, 2, 5, 10, 20, 50 … (and 0.5, 0.2 …) that is not above a value > 0."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in _STEPS if step * power <= value * (1 + 1e-9))


def round_up(value: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, 50 … (and 0.5, 0.2 …) that is not below a value > 0."""
    power = 10.0 ** math.floor(math.log10(value))
    return min(step * power for step in _STEPS if step * power >= value * (1 - 1e-9))


def plain(value: float, digits: int = 3) -> str:
    """A number with so many digits, written out: no `1e+03`.

    Examples:
        >>> plain(1000.0), plain(0.0126, 2), plain(112.3, 2), plain(12345.0)
        ('1,000', '0.013', '110', '12,300')
    """
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}" if 1000 <= abs(rounded) < 1e15 else f"{rounded:g}"


def in_words(task: Task, metric: float) -> str:
    """A metric as one reads it: in percent if it is a share.

    Examples:
        >>> from mtl_utils.tasks import classification
        >>> in_words(classification('digit', 10), 0.876)
        '87.6 %'
    """
    if math.isnan(metric):
        return "not measured"
    return f"{100 * metric:.1f} %" if task.metric_is_share else plain(metric)


def label_of_axis(task: Task, quantity: str, *, higher_is_better: bool) -> str:
    """Words for an axis on which better is to the right, or up, whichever way its numbers run."""
    return f"{task.name}: {quantity}{'' if higher_is_better else ' (reversed)'} →"


def plain_ticks(axis: Axis, *, dense: bool = True) -> None:
    """Ticks at 1, 2, 5, 10 … (or at 1, 10, 100 … only) on a logarithmic axis, written as plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if dense else (1,), numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def percent_ticks(axis: Axis, *, most: int = 6) -> None:
    """Ticks for shares, at round percentages only, written with as many digits as they need."""
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(100 * value, 6):g} %"))
