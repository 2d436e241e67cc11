"""Checks of the exercises of notebook 04, loss weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from mtl_utils.course.checks.check import Verdict, call, close, is_number, judge

MODELS = {"A": (0.90, 0.60), "B": (0.85, 0.80), "C": (0.80, 0.80), "D": (0.70, 0.85), "E": (0.65, 0.84)}


def equal_pull(function: Callable[[Mapping[str, float]], Any]) -> Verdict:
    """04.1: weights with which all tasks pull equally hard."""
    two, three = {"digit": 0.5, "position": 20.0}, {"a": 1.0, "b": 2.0, "c": 4.0}

    def pulls(f: Callable[[Mapping[str, float]], Any], norms: Mapping[str, float]) -> list[float]:
        return [call(f, norms)[name] * norm for name, norm in norms.items()]

    return judge(
        "04.1",
        function,
        [
            (callable, "a function of the norms is asked for"),
            (
                lambda f: isinstance(call(f, two), Mapping) and set(call(f, two)) == set(two),
                "return a dictionary with a weight for each task",
            ),
            (
                lambda f: pulls(f, two)[0] >= pulls(f, two)[1] * 0.99,
                "with these weights the longer gradient pulls harder than the shorter one; give it a smaller weight",
            ),
            (lambda f: close(pulls(f, two)[0], pulls(f, two)[1]), "the products of weight and norm must be equal"),
            (
                lambda f: close(sum(call(f, two).values()), 1.0),
                "the pulls are equal; now divide so that the weights have the sum 1",
            ),
            (
                lambda f: close(pulls(f, three), [pulls(f, three)[0]] * 3) and close(sum(call(f, three).values()), 1.0),
                "right for two tasks; it must hold for any number of them",
            ),
        ],
        "right: a weight is the inverse of the norm, up to a common factor. (GradNorm, in notebook 05, does this live)",
    )


def front_of_models(answer: Collection[str]) -> Verdict:
    """04.2: the Pareto front among five models."""
    return judge(
        "04.2",
        answer,
        [
            (
                lambda a: not isinstance(a, str) and isinstance(a, Collection) and set(a) <= set(MODELS),
                f"a set of names out of {', '.join(MODELS)} is asked for",
            ),
            (
                lambda a: "C" not in a,
                "B has the same second accuracy as C and a better first one: at least as good everywhere, better once",
            ),
            (lambda a: "E" not in a, "look for a model that beats E at both tasks"),
            (
                lambda a: "A" in a and "D" in a,
                "the best model of a single task is always on the front, however bad it is at the other",
            ),
            (lambda a: set(a) == {"A", "B", "D"}, "one more model is dominated by none"),
        ],
        "right: A, B and D. C loses to B, and E to D",
    )


def area_of_two_points(answer: float) -> Verdict:
    """04.3: the hypervolume of (0.5, 0.8) and (0.7, 0.6) with the reference point (0.1, 0.2)."""
    return judge(
        "04.3",
        answer,
        [
            (is_number, "a number is asked for"),
            (lambda a: not close(a, 0.48), "the two rectangles overlap; what both dominate counts once"),
            (lambda a: not close(a, 0.52), "the rectangles begin at the reference point, not at (0, 0)"),
            (lambda a: not close(a, 0.24), "that is one point's rectangle; the other one adds something"),
            (lambda a: close(a, 0.32), "0.6 × 0.4 for the lower right point; what does the other add above it?"),
        ],
        "right: 0.6 · 0.4 + 0.4 · 0.2 = 0.32",
    )


def weight_for_the_middle(answer: float | str | None) -> Verdict:
    """04.4: the weight with which a weighted sum ends in the middle of a concave front."""
    return judge(
        "04.4",
        answer,
        [
            (lambda a: a is None or isinstance(a, str) or is_number(a), 'a number is asked for, or "none"'),
            (
                lambda a: a is None or isinstance(a, str) or float(a) != 0.5,
                "run the weighted sum with 0.5 from a point beside the middle: does it move to the middle, or away from it?",
            ),
            (
                lambda a: a is None or isinstance(a, str),
                "look at the left panel of the figure: which of the 21 weights ended inside?",
            ),
            (lambda a: a is None or a.strip().lower() == "none", 'if no weight will do, the answer is "none"'),
        ],
        "right: none. The sum is largest, not smallest, inside a concave front",
        none_is_an_answer=True,  # Python's None says it, too
    )


def learning_rate_for_the_mean(answer: float) -> Verdict:
    """04.5: the learning rate with which the mean of five losses trains as their sum does with 0.03."""
    return judge(
        "04.5",
        answer,
        [
            (is_number, "a number is asked for"),
            (lambda a: not close(a, 0.006), "the other way round: the mean has the *smaller* gradient"),
            (lambda a: not close(a, 0.03), "that would be right for Adam, nearly; for SGD the gradient's length counts"),
            (lambda a: close(a, 0.15), "the mean's gradient is a fifth of the sum's; the step must stay the same"),
        ],
        "right: 0.15",
    )


def mixture(function: Callable[[dict[str, Tensor], dict[str, Tensor], float], Any]) -> Verdict:
    """04.6: the weights between two models."""
    first = {"weight": torch.tensor([[1.0, 2.0]]), "bias": torch.tensor([4.0])}
    second = {"weight": torch.tensor([[3.0, 0.0]]), "bias": torch.tensor([2.0])}

    def bias(f: Callable[..., Any], alpha: float) -> float:
        return float(mixed(f, alpha)["bias"])

    def mixed(f: Callable[..., Any], alpha: float) -> Any:
        # Copies, for an answer may compute in place.
        return call(f, {n: t.clone() for n, t in first.items()}, {n: t.clone() for n, t in second.items()}, alpha)

    return judge(
        "04.6",
        function,
        [
            (callable, "a function of two state dictionaries and α is asked for"),
            (
                lambda f: isinstance(mixed(f, 0.5), Mapping) and set(mixed(f, 0.5)) == set(first),
                "return a dictionary with the names of the two",
            ),
            (lambda f: not close(bias(f, 0.5), 6.0), "the two shares must have the sum 1; here both are 1"),
            (lambda f: not close(bias(f, 0.5), 4.0), "the second has a share, too: 1 − α"),
            (lambda f: not close(bias(f, 1.0), 2.0), "α is the share of the *first*: with α = 1 nothing of the second is left"),
            (
                lambda f: all(close(bias(f, alpha), 2 + 2 * alpha) for alpha in (0.0, 0.25, 1.0)),
                "with α = 1 it must be the first, with α = 0 the second, and in between on a straight line",
            ),
            (
                lambda f: close(mixed(f, 0.25)["weight"], torch.tensor([[2.5, 0.5]])),
                "every parameter must be mixed, not the bias alone",
            ),
        ],
        "right. That is all that a slider on a Pareto manifold does",
    )
