"""Checks of the exercises of notebook 05, automatic loss weighting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mtl_utils.course.checks.check import Verdict, close, is_number, judge

# For exercise 05.4: three tasks of weight 1 each.
NORMS = {"a": 3.0, "b": 1.0, "c": 2.0}
LEFT_OF_THE_LOSS = {"a": 0.9, "b": 0.3, "c": 0.6}
# For exercise 05.5.
METHODS = ("equal", "DWA", "random", "uncertainty, s = 0", "uncertainty, first losses", "geometric mean", "FAMO")
_INDIFFERENT = {"uncertainty, first losses", "geometric mean", "FAMO"}


def largest_loss_with_a_negative_total(answer: float) -> Verdict:
    """05.1: below which cross-entropy a classification's part of the total can be negative."""
    return judge(
        "05.1",
        answer,
        [
            (is_number, "one number is asked for"),
            (lambda a: not close(a, 1 / math.e, 0.01), "that is for a regression, f = ½; a classification has f = 1"),
            (lambda a: not close(a, 1.0, 0.01), "put in the best s, which is log(2f·L): the first term is then ½, not L"),
            (lambda a: not close(a, 0.5, 0.01), "with L = ½ the best s is 0, and the total is ½: still positive"),
            (lambda a: close(a, 1 / (2 * math.e), 0.01), "with s = log(2L) the total is ½ + ½·log(2L): where is that zero?"),
        ],
        "right: ½ + ½·log(2L) is negative below L = 1/(2e) ≈ 0.18, a loss that every good classifier reaches",
    )


def settled_weights(answer: Sequence[float] | Mapping[str, float]) -> Verdict:
    """05.2: the weights of uncertainty weighting for losses that stay at 2.0 (classification) and 50 (regression)."""
    if isinstance(answer, Mapping):  # as a balancer gives its weights: by task, or in the order that is asked for
        known = ("digit", "position")
        answer = [answer[name] for name in known] if set(answer) == set(known) else list(answer.values())
    return judge(
        "05.2",
        answer,
        [
            (lambda a: len(a) == 2, "two numbers are asked for, digit first"),
            (lambda a: not close(a, (1 / 2, 1 / 50)), "those are IMTL-L's weights; Kendall's total has ½·s, not s"),
            (lambda a: not close(a, (1.0, 0.5)), "those are the weights at the start, with s = 0; let s settle"),
            (
                lambda a: not close(a, (1 / 4, 1 / 50)) and not close(a, (1 / 2, 1 / 100)),
                "f cancels: the same rule for both tasks",
            ),
            (lambda a: not close(a, (math.log(4), math.log(50))), "those are the settled s; the weight is f·e^(−s)"),
            (
                lambda a: _near(a[0], 1 / 4) and _near(a[1], 1 / 100),
                "with the settled s every weighted loss w·L is ½, whatever f is",
            ),
        ],
        "right: each weighted loss is ½, so w = 1/(2L)",
    )


def weight_with_decay(answer: float) -> Verdict:
    """05.3: the settled weight of a regression with loss 200 if s has a weight decay of 0.1."""
    with_decay = 0.5 * math.exp(-_settled_s(200.0, decay=0.1))
    return judge(
        "05.3",
        answer,
        [
            (is_number, "one number is asked for: the weight ½·e^(−s)"),
            (lambda a: not _near(a, 1 / 400), "that is the weight without decay; add 0.05·s² to the total"),
            (lambda a: not _near(a, _settled_s(200.0, decay=0.1)), "that is s; the weight is ½·e^(−s)"),
            (lambda a: not _near(a, 2 * with_decay), "that is e^(−s); a regression's weight has the factor ½"),
            (
                lambda a: not _near(a, 0.5 * math.exp(-_settled_s(200.0, decay=0.2))),
                "weight decay 0.1 adds ½·0.1·s² to the total, so 0.1·s to the derivative",
            ),
            (lambda a: _near(a, with_decay), "find the s where −½·e^(−s)·200 + ½ + 0.1·s = 0; has your search settled?"),
        ],
        "right: about 0.0048, twice what it should be, for decay draws s to 0, which means nothing",
    )


def _near(answer: float, expected: float) -> bool:
    return abs(float(answer) - expected) <= 0.02 * expected


def _settled_s(loss: float, *, decay: float) -> float:
    """Where −½·e^(−s)·L + ½ + decay·s = 0, by halving an interval."""
    low, high = 0.0, 20.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if -0.5 * math.exp(-middle) * loss + 0.5 + decay * middle < 0 else (low, middle)
    return low


def gradnorm_moves(answer: Mapping[str, str]) -> Verdict:
    """05.4: which weights GradNorm with α = 1.5 moves up, down, or not at all."""
    return judge(
        "05.4",
        answer,
        [
            (lambda a: set(a) == set(NORMS), "an answer for each of a, b and c is asked for"),
            (lambda a: set(a.values()) <= {"up", "down", "stays"}, 'the answers are "up", "down" or "stays"'),
            (
                lambda a: dict(a) != {"a": "down", "b": "up", "c": "stays"},
                "that makes the norms equal, which is α = 0; with α = 1.5 the target is Ḡ·r^1.5",
            ),
            (
                lambda a: dict(a) != {"a": "up", "b": "down", "c": "up"} and a["c"] == "stays",
                "r is L/L(0) divided by its mean over the tasks, here 0.6: for c it is 1, and the mean norm is 2",
            ),
            (lambda a: dict(a) == _moves(1.5), "compare each norm with its target Ḡ·r^1.5: below it, the weight goes up"),
        ],
        "right: a has the largest gradient already, and gets more, because it is far behind",
    )


def _moves(alpha: float) -> dict[str, str]:
    mean_norm, mean_ratio = (sum(values.values()) / 3 for values in (NORMS, LEFT_OF_THE_LOSS))
    moves = {}
    for name, norm in NORMS.items():
        target = mean_norm * (LEFT_OF_THE_LOSS[name] / mean_ratio) ** alpha
        moves[name] = "stays" if math.isclose(norm, target) else "up" if norm < target else "down"
    return moves


def indifferent_to_units(answer: Any) -> Verdict:
    """05.5: for which methods it does not matter in which unit one of the losses is measured."""
    return judge(
        "05.5",
        answer,
        [
            (lambda a: not isinstance(a, str), "a set of names is asked for, such as {'equal'}"),
            (lambda a: set(a) <= set(METHODS), f"the methods are {', '.join(METHODS)}"),
            (lambda a: "equal" not in a, "with equal weights a loss in other units is simply another weight"),
            (
                lambda a: "DWA" not in a and "random" not in a,
                "DWA's and random weights do not see the unit, and that is why they cannot undo it",
            ),
            (
                lambda a: "uncertainty, s = 0" not in a,
                "from s = 0 the weights start at f for any unit, and s has a long way to go",
            ),
            (lambda a: "geometric mean" in a, "log(1000·L) and log(L) have the same gradient"),
            (lambda a: "FAMO" in a, "FAMO descends Σ z·log L: what does a unit do to log L?"),
            (lambda a: set(a) == _INDIFFERENT, "with s = log(2f·L) at the start, is the first weight not 1/(2L)?"),
        ],
        "right: these three weigh by 1/L from the first step, so that the unit cancels",
    )
