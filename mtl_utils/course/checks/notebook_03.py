"""Checks of the exercises of notebook 03, hard parameter sharing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from mtl_utils.course.checks.check import Verdict, call, close, is_number, judge
from mtl_utils.measures.delta_m import delta_m

METRICS = {"digit": 0.80, "error in pixels": 3.0}
BASELINE = {"digit": 0.75, "error in pixels": 2.5}
HIGHER_IS_BETTER = {"digit": True, "error in pixels": False}
DIFFERENCES = {"A": (1.9, 0.6), "B": (0.8, 1.1), "C": (-2.4, 1.2)}


def parameters_for_tasks(function: Callable[[int], Any]) -> Verdict:
    """03.1: parameters of hard sharing with T tasks of ten classes on LeNet."""
    return judge(
        "03.1",
        function,
        [
            (callable, "write a function of the number of tasks"),
            (lambda f: is_number(call(f, 2)), "return one number"),
            (lambda f: call(f, 2) != 2 * 21_840, "that is one network per task: the encoder is there only once"),
            (lambda f: call(f, 2) != 21_840, "every task has its own head"),
            (
                lambda f: call(f, 1) == 21_840,
                "for one task it must be the single-task network of notebook 02: 21,840; a head has a bias, too",
            ),
            (lambda f: call(f, 2) == 22_350, "the encoder has 21,330, each head 50·10 + 10"),
            (lambda f: call(f, 7) == 21_330 + 7 * 510, "it must hold for any number of tasks"),
        ],
        "right: 21,330 + 510·T. A tenth task costs 510 parameters instead of 21,840",
    )


def parameters_reached(answer: Collection[str]) -> Verdict:
    """03.2: which parts get a gradient from the loss of `left` alone."""

    def named(a: Collection[str]) -> set[str]:
        return {name.strip().lower() for name in a}

    return judge(
        "03.2",
        answer,
        [
            (lambda a: not isinstance(a, str), "give a set of names, such as {'conv1', 'left'}"),
            (
                lambda a: named(a) <= {"conv1", "conv2", "dense", "left", "right"},
                "the names are conv1, conv2, dense, left and right",
            ),
            (lambda a: "right" not in named(a), "the loss of `left` does not depend on the head of `right`"),
            (lambda a: "left" in named(a), "the head of `left` stands between its loss and the encoder"),
            (lambda a: named(a) == {"conv1", "conv2", "dense", "left"}, "the gradient goes all the way down the encoder"),
        ],
        "right: the whole encoder and the task's own head. On the encoder, both tasks' gradients meet",
    )


def delta_m_by_hand(function: Callable[[Mapping[str, float], Mapping[str, float], Mapping[str, bool]], Any]) -> Verdict:
    """03.3: Δm from metrics, a baseline, and which way is better."""
    expected = delta_m(METRICS, BASELINE, HIGHER_IS_BETTER)
    no_sign = 100 * (0.05 / 0.75 + 0.5 / 2.5) / 2
    differences = 100 * (0.05 - 0.5) / 2
    by_metric = 100 * (0.05 / 0.80 - 0.5 / 3.0) / 2

    def value(f: Callable[..., Any]) -> float:
        return float(call(f, METRICS, BASELINE, HIGHER_IS_BETTER))

    return judge(
        "03.3",
        function,
        [
            (callable, "write a function"),
            (lambda f: is_number(call(f, METRICS, BASELINE, HIGHER_IS_BETTER)), "return one number, the mean over the tasks"),
            (lambda f: not close(value(f), expected / 100), "Δm is in percent: times 100"),
            (lambda f: not close(value(f), 2 * expected), "take the mean over tasks, not the sum"),
            (lambda f: not close(value(f), no_sign), "an error that grows is worse: turn the sign where lower is better"),
            (lambda f: not close(value(f), -expected), "the sign is the wrong way round: higher Δm must be better"),
            (lambda f: not close(value(f), differences), "divide each difference by the baseline: it is a *relative* change"),
            (lambda f: not close(value(f), by_metric), "divide by the baseline, not by the new metric"),
            (lambda f: close(value(f), expected), "the mean over tasks of ±(M − B)/B, in percent"),
            (
                lambda f: close(call(f, {"a": 0.5}, {"a": 0.4}, {"a": True}), 25),
                "it must work for any names and any number of tasks",
            ),
            (
                lambda f: close(call(f, METRICS, dict(reversed(BASELINE.items())), HIGHER_IS_BETTER), expected),
                "match the entries by name: the dictionaries may list the tasks in another order",
            ),
        ],
        "right: the digit is 6.7 % better, the error 20 % worse, which makes −6.7 %",
    )


def verdicts(answer: Mapping[str, str]) -> Verdict:
    """03.4: what intervals of differences say: helps, hurts, or cannot tell."""
    right = {"A": "helps", "B": "cannot tell", "C": "hurts"}
    return judge(
        "03.4",
        answer,
        [
            (lambda a: isinstance(a, Mapping) and set(a) == set(right), "give a verdict for each of 'A', 'B' and 'C'"),
            (lambda a: set(a.values()) <= set(right.values()), "the verdicts are 'helps', 'hurts' and 'cannot tell'"),
            (lambda a: a["B"] != "helps", "B: 0.8 ± 1.1 reaches from −0.3 to 1.9; zero is inside"),
            (
                lambda a: a == right,
                "a method helps if the whole interval lies above zero, hurts if the whole interval lies below",
            ),
        ],
        "right: an interval that contains zero does not say which way the effect goes",
    )
