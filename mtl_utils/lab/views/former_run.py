"""Runs that were kept to compare with: what they are called, and how their lines look."""

from __future__ import annotations

from dataclasses import dataclass

from mtl_utils.lab.views.scales import plain
from mtl_utils.training.history import History

MOST = 3  # so many kept runs have lines; of older ones only the end is shown, as a point
STYLES: tuple[tuple[int, tuple[float, ...]], ...] = ((0, (1, 1.2)), (0, (4, 1.6)), (0, (6, 1.5, 1, 1.5)))


@dataclass(frozen=True)
class FormerRun:
    """A run that has ended.

    Attributes:
        name: its weights, such as "digit 1, position 1→0.01" (changed on the way).
        history: of its steps.
        style: of its lines, among `STYLES`.
    """

    name: str
    history: History
    style: int

    @property
    def dashes(self) -> tuple[int, tuple[float, ...]]:
        """Its line style."""
        return STYLES[self.style]


def named_by_weights(history: History) -> str:
    """A run's name: each task's weight at its beginning and, where that is another one, at its end.

    With more than two tasks the weights alone, in the order of the tasks; there is no room for more.
    """
    first, last = history.steps[0].weights, history.steps[-1].weights
    weights = {
        name: plain(start) if start == last[name] else f"{plain(start)}→{plain(last[name])}" for name, start in first.items()
    }
    return (
        ", ".join(f"{name} {weight}" for name, weight in weights.items()) if len(weights) <= 2 else " : ".join(weights.values())
    )
