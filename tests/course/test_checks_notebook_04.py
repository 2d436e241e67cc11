"""The checks of notebook 04 accept what is right, and refuse what is wrong with its own hint."""

import pytest
import torch
from answers import common_tests

from mtl_utils.course.checks import notebook_04 as check
from mtl_utils.measures.pareto import hypervolume, pareto_front


def equal(norms: dict[str, float]) -> dict[str, float]:
    total = sum(1 / norm for norm in norms.values())
    return {name: 1 / norm / total for name, norm in norms.items()}


def mixed(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor], alpha: float) -> dict[str, torch.Tensor]:
    return {name: alpha * first[name] + (1 - alpha) * second[name] for name in first}


def for_two_only(norms: dict[str, float]) -> dict[str, float]:
    first, second = list(norms)[:2]
    total = norms[first] + norms[second]
    return dict.fromkeys(norms, 0.2) | {first: norms[second] / total, second: norms[first] / total}


RIGHT = [
    (check.equal_pull, equal),
    (check.front_of_models, {"A", "B", "D"}),
    (check.front_of_models, ["D", "A", "B"]),
    (check.area_of_two_points, 0.32),
    (check.area_of_two_points, torch.tensor(0.32)),
    (check.weight_for_the_middle, None),
    (check.weight_for_the_middle, "none"),
    (check.weight_for_the_middle, "None "),
    (check.learning_rate_for_the_mean, 0.15),
    (check.mixture, mixed),
    (check.mixture, lambda a, b, alpha: {name: a[name].mul_(alpha).add_(b[name].mul_(1 - alpha)) for name in a}),
]
WRONG = [
    (check.equal_pull, 3, "a function"),
    (check.equal_pull, lambda norms: list(norms.values()), "a dictionary"),
    (
        check.equal_pull,
        lambda norms: {name: norm / sum(norms.values()) for name, norm in norms.items()},
        "give it a smaller weight",
    ),
    (check.equal_pull, lambda norms: dict.fromkeys(norms, 0.5), "give it a smaller weight"),
    (check.equal_pull, lambda norms: {name: norm**-2 for name, norm in norms.items()}, "products of weight and norm"),
    (check.equal_pull, lambda norms: {name: 1 / norm for name, norm in norms.items()}, "have the sum 1"),
    (check.equal_pull, for_two_only, "any number of them"),
    (check.front_of_models, "ABD", "a set of names"),
    (check.front_of_models, {"F"}, "a set of names"),
    (check.front_of_models, {"A", "B", "C", "D"}, "same second accuracy as C"),
    (check.front_of_models, {"A", "B", "D", "E"}, "beats E"),
    (check.front_of_models, {"B"}, "best model of a single task"),
    (check.front_of_models, {"A", "D"}, "one more model"),
    (check.area_of_two_points, "much", "a number"),
    (check.area_of_two_points, 0.24 + 0.24, "counts once"),
    (check.area_of_two_points, 0.52, "begin at the reference point"),
    (check.area_of_two_points, 0.24, "the other one adds"),
    (check.area_of_two_points, 0.4, "0.6 × 0.4"),
    (check.weight_for_the_middle, 0.5, "or away from it"),
    (check.weight_for_the_middle, 0.7, "left panel"),
    (check.weight_for_the_middle, [1, 2], "a number is asked for"),
    (check.weight_for_the_middle, "all", 'the answer is "none"'),
    (check.learning_rate_for_the_mean, "larger", "a number"),
    (check.learning_rate_for_the_mean, 0.006, "other way round"),
    (check.learning_rate_for_the_mean, 0.03, "right for Adam"),
    (check.learning_rate_for_the_mean, 0.1, "a fifth"),
    (check.mixture, 1, "a function"),
    (check.mixture, lambda a, b, alpha: a["bias"], "a dictionary"),
    (check.mixture, lambda a, b, alpha: {name: a[name] + b[name] for name in a}, "here both are 1"),
    (check.mixture, lambda a, b, alpha: {name: alpha * a[name] + b[name] for name in a}, "has a share, too"),
    (check.mixture, lambda a, b, alpha: mixed(b, a, alpha), "share of the *first*"),
    (check.mixture, lambda a, b, alpha: mixed(a, b, 0.5 if 0 < alpha < 1 else alpha), "a straight line"),
    (check.mixture, lambda a, b, alpha: a | {"bias": alpha * a["bias"] + (1 - alpha) * b["bias"]}, "every parameter"),
]

test_coverage, test_right, test_wrong, test_nothing = common_tests(check, RIGHT, WRONG)


def test_the_checks_agree_with_the_library() -> None:
    front = pareto_front(list(check.MODELS.values())).tolist()
    assert {name for name, best in zip(check.MODELS, front, strict=True) if best} == {"A", "B", "D"}
    assert hypervolume([[0.5, 0.8], [0.7, 0.6]], [0.1, 0.2]) == pytest.approx(0.32)
