"""The weighted sum of losses, its weights free to change while training runs."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Literal

import torch
from torch import nn

from mtl_utils.balancing.balancer import Balancer, Losses, Weights


class WeightedSum(Balancer):
    """L = Σ w_i·L_i.

    Args:
        weights: a weight for each task; or `"sum"`, all ones, the default; or `"mean"`, all 1/T. The two differ by a
            factor T in the effective learning rate of plain gradient descent; Adam hardly notices.

    Raises:
        ValueError: if a weight is negative, not finite, of an unknown task or missing, or if all are zero.

    Examples:
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.5, 0.0))
        >>> balancer = WeightedSum({'first': 0.2, 'second': 0.8})
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=2, balancer=balancer, progress=False)
        >>> {task: round(weight, 1) for task, weight in history.steps[0].weights.items()}
        {'first': 0.2, 'second': 0.8}
    """

    def __init__(self, weights: Mapping[str, float] | Literal["sum", "mean"] = "sum") -> None:
        if isinstance(weights, str) and weights not in ("sum", "mean"):
            raise ValueError(f"weights must be 'sum', 'mean' or a weight for each task, not {weights!r}")
        self._asked = weights
        self._weights: Weights = {} if isinstance(weights, str) else _checked(weights)

    @property
    def weights(self) -> Weights:
        """The weights now in force. Assign a whole dictionary to change them; the next step, and every later run, uses it."""
        return dict(self._weights)

    @weights.setter
    def weights(self, weights: Mapping[str, float]) -> None:
        checked = _checked(weights)
        self._check_names(checked)
        self._asked = checked
        # One assignment of a new dictionary: a thread that trains sees the old weights or the new, never a mixture.
        self._weights = checked

    def prepare(self, tasks: Sequence[str]) -> None:
        super().prepare(tasks)
        if isinstance(self._asked, str):
            self._weights = dict.fromkeys(tasks, 1.0 if self._asked == "sum" else 1.0 / len(tasks))
        self._check_names(self._weights)

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        weights = self._weights
        # Multiplying by 1 would change nothing but the time of a step.
        terms = [loss if weights[name] == 1 else weights[name] * loss for name, loss in losses.items()]
        torch.autograd.backward(functools.reduce(torch.add, terms))
        return {name: weights[name] for name in losses}

    def _check_names(self, weights: Weights) -> None:
        tasks = getattr(self, "tasks", tuple(weights))
        if unknown := [name for name in weights if name not in tasks]:
            raise ValueError(f"a weight for '{unknown[0]}', but no task of that name; the tasks are {list(tasks)}")
        if missing := [name for name in tasks if name not in weights]:
            raise ValueError(f"no weight for task '{missing[0]}'; there are weights for {list(weights)}")


def _checked(weights: Mapping[str, float]) -> Weights:
    if not isinstance(weights, Mapping):
        raise ValueError(f"weights must be a dictionary with a weight for each task, not {weights!r}")
    checked: Weights = {}
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, Real) or not math.isfinite(weight) or weight < 0:
            raise ValueError(f"task '{name}': a weight must be a finite number, zero or more, not {weight!r}")
        checked[name] = float(weight)
    if not any(checked.values()):
        raise ValueError(f"at least one weight must be above zero, all are zero: {dict(weights)}")
    return checked
