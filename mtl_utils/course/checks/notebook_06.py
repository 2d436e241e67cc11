"""Checks of the exercises of notebook 06, conflicting gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mtl_utils.course.checks.check import Verdict, call, close, is_number, judge

_TWO = torch.tensor([[3.0, 0.0], [-2.0, 2.0]])
_FOUR = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 1.0, 0.0], [0.0, -5.0, 0.1], [0.0, 0.0, 0.0]])


def share_of_conflicts(function: Callable[[Tensor], Any]) -> Verdict:
    """06.1: the share of pairs of tasks whose gradients conflict."""

    def share(f: Callable[[Tensor], Any], rows: Tensor) -> float:
        return float(call(f, rows.clone()))

    return judge(
        "06.1",
        function,
        [
            (callable, "a function of the matrix of gradients is asked for"),
            (lambda f: is_number(call(f, _TWO)), "return one number, from 0 to 1"),
            (
                lambda f: not close(share(f, _TWO), 0.5),
                "there is one pair of tasks here, and it conflicts; do not count a task with itself, or a pair twice",
            ),
            (lambda f: close(share(f, _TWO), 1.0), "two gradients whose dot product is below 0 are one conflict in one pair"),
            (lambda f: close(share(f, torch.eye(3)), 0.0), "gradients at right angles do not conflict"),
            (
                lambda f: close(share(f, _FOUR), 2 / 6),
                "four tasks have six pairs, all of which count, also those with a gradient of zero (which conflicts with none)",
            ),
        ],
        "right. It is what a conflict meter counts",
    )


def project(function: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """06.2: a gradient without the part that conflicts with another one."""
    first, second = _TWO
    aside = torch.tensor([1.0, 2.0])

    def projected(f: Callable[[Tensor, Tensor], Any], a: Tensor, b: Tensor) -> Any:
        return call(f, a.clone(), b.clone())

    return judge(
        "06.2",
        function,
        [
            (callable, "a function of two gradients is asked for"),
            (
                lambda f: isinstance(projected(f, first, second), Tensor) and projected(f, first, second).shape == (2,),
                "return a gradient: a tensor as long as the two",
            ),
            (
                lambda f: close(projected(f, first, aside), first),
                "these two do not conflict (their dot product is above 0), so the gradient must stay as it is",
            ),
            (
                lambda f: not close(projected(f, first, second), torch.tensor([-9.0, 12.0])),
                "divide by the *square* of the other gradient's length",
            ),
            (
                lambda f: close(float(projected(f, first, second) @ second), 0.0, 1e-4),
                "after the projection the result must be at right angles to the other gradient",
            ),
            (
                lambda f: close(projected(f, first, second), torch.tensor([1.5, 1.5])),
                "take away nothing but the part along the other",
            ),
            (
                lambda f: close(projected(f, second, first), torch.tensor([0.0, 2.0])),
                "right for one order; swap the two gradients and look again",
            ),
        ],
        "right. PCGrad does this for every pair",
    )


def mgda_share(function: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """06.3: the share of the first gradient in MGDA's shortest combination of two."""
    first, second = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0])

    def share(f: Callable[[Tensor, Tensor], Any], a: Tensor, b: Tensor) -> float:
        return float(call(f, a.clone(), b.clone()))

    return judge(
        "06.3",
        function,
        [
            (callable, "a function of two gradients is asked for"),
            (lambda f: is_number(call(f, first, second)), "return one number: the share of the first gradient"),
            (lambda f: not close(share(f, first, second), 0.4), "that is the share of the *second* gradient"),
            (
                lambda f: close(share(f, first, second), 0.6),
                "set the derivative of ‖α·g₁ + (1 − α)·g₂‖² with respect to α to 0",
            ),
            (
                lambda f: 0 <= share(f, torch.tensor([4.0, 1.0]), torch.tensor([1.0, 0.0])) <= 1,
                "a share lies from 0 to 1: where the best α is outside, the nearer end is taken",
            ),
            (
                lambda f: (
                    close(share(f, torch.tensor([4.0, 1.0]), torch.tensor([1.0, 0.0])), 0.0)
                    and close(share(f, torch.tensor([1.0, 0.0]), torch.tensor([4.0, 1.0])), 1.0)
                ),
                "when a short gradient lies almost along a long one, the shortest combination is the short one alone",
            ),
        ],
        "right. MGDA listens to whoever has the shorter gradient",
    )


def harmed(function: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """06.4: which tasks an update makes worse."""
    rows, update = _FOUR, torch.tensor([1.0, 0.5, 0.0])

    def found(f: Callable[[Tensor, Tensor], Any], a: Tensor, b: Tensor) -> list[int]:
        return sorted(int(each) for each in call(f, a.clone(), b.clone()))

    return judge(
        "06.4",
        function,
        [
            (callable, "a function of the gradients and an update is asked for"),
            (
                lambda f: isinstance(call(f, rows, update), list | tuple | set | Tensor),
                "return the numbers of the tasks, in a list",
            ),
            (
                lambda f: found(f, rows, update) != [0],
                "these are the tasks that get better: descent goes *against* the gradient, so a positive product is good",
            ),
            (lambda f: 3 not in found(f, rows, update), "a task whose gradient is zero is not made worse"),
            (lambda f: found(f, rows, update) == [1, 2], "compare the sign of g_i · update for every task"),
            (lambda f: found(f, rows, -update) == [0], "right once; turn the update round and look again"),
        ],
        "right: those with g_i · update below 0",
    )


def learning_rate_for_the_mean(answer: float) -> Verdict:
    """06.5: the step size with which the mean of eight projected gradients trains as their sum does with 0.01."""
    return judge(
        "06.5",
        answer,
        [
            (is_number, "a number is asked for"),
            (lambda a: not close(a, 0.00125), "the other way round: the mean is the shorter update"),
            (lambda a: not close(a, 0.01), "that would be right for Adam, nearly; SGD's step is as long as the update"),
            (lambda a: close(a, 0.08), "the mean of eight is an eighth of their sum; the step must stay the same"),
        ],
        "right: 0.08",
    )
