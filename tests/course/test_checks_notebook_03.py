"""The checks of notebook 03's exercises accept right answers and meet likely wrong ones with a hint of their own."""

import pytest
from answers import common_tests

from mtl_utils import datasets, models
from mtl_utils.course.checks import notebook_03 as check
from mtl_utils.measures.delta_m import delta_m


def changes(metrics, baseline, higher):
    return [(1 if higher[n] else -1) * (metrics[n] - baseline[n]) / baseline[n] for n in metrics]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def in_the_order_of_the_dictionaries(metrics, baseline, higher):
    signs = [1 if up else -1 for up in higher.values()]
    terms = [s * (m - b) / b for m, b, s in zip(metrics.values(), baseline.values(), signs, strict=True)]
    return 100 * mean(terms)


RIGHT = [
    (check.parameters_for_tasks, lambda t: 21_330 + 510 * t),
    (check.parameters_reached, {"conv1", "conv2", "dense", "left"}),
    (check.parameters_reached, ["left", "dense", "conv2", "conv1"]),
    (check.parameters_reached, {"Conv1", "conv2 ", "dense", "left"}),
    (check.delta_m_by_hand, lambda m, b, h: 100 * mean(changes(m, b, h))),
    (check.delta_m_by_hand, delta_m),
    (check.verdicts, {"A": "helps", "B": "cannot tell", "C": "hurts"}),
]

WRONG = [
    (check.parameters_for_tasks, lambda t: 21_840 * t, "one network per task: the encoder is there only once"),
    (check.parameters_for_tasks, lambda t: 21_840, "every task has its own head"),
    (check.parameters_for_tasks, lambda t: 21_330 + 510 * (t + 1), "for one task it must be the single-task network"),
    (check.parameters_for_tasks, lambda t: 21_330 + 510 * t**2, "the encoder has 21,330"),
    (check.parameters_for_tasks, lambda t: 21_330 + 510 * min(t, 2), "any number of tasks"),
    (check.parameters_for_tasks, lambda t: (21_330, 510 * t), "return one number"),
    (check.parameters_for_tasks, lambda: 22_350, "your function raised TypeError"),
    (check.parameters_for_tasks, 22_350, "write a function of the number of tasks"),
    (check.parameters_reached, "conv1", "give a set of names"),
    (check.parameters_reached, {"conv1", "conv2", "dense", "left", "head"}, "the names are"),
    (check.parameters_reached, {"conv1", "conv2", "dense", "left", "right"}, "does not depend on the head of `right`"),
    (check.parameters_reached, {"conv1", "conv2", "dense"}, "stands between its loss and the encoder"),
    (check.parameters_reached, {"dense", "left"}, "all the way down"),
    (check.parameters_reached, {"left"}, "all the way down"),
    (check.delta_m_by_hand, lambda m, b, h: mean(changes(m, b, h)), "in percent: times 100"),
    (check.delta_m_by_hand, lambda m, b, h: 100 * sum(changes(m, b, h)), "the mean over tasks, not the sum"),
    (check.delta_m_by_hand, lambda m, b, h: 100 * mean((m[n] - b[n]) / b[n] for n in m), "turn the sign"),
    (check.delta_m_by_hand, lambda m, b, h: -100 * mean(changes(m, b, h)), "the sign is the wrong way round"),
    (
        check.delta_m_by_hand,
        lambda m, b, h: 100 * mean((1 if h[n] else -1) * (m[n] - b[n]) for n in m),
        "divide each difference",
    ),
    (
        check.delta_m_by_hand,
        lambda m, b, h: 100 * mean((1 if h[n] else -1) * (m[n] - b[n]) / m[n] for n in m),
        "not by the new",
    ),
    (check.delta_m_by_hand, lambda m, b, h: 42.0, "the mean over tasks of"),
    (
        check.delta_m_by_hand,
        lambda m, b, h: delta_m(check.METRICS, check.BASELINE, check.HIGHER_IS_BETTER),
        "it must work for any",
    ),
    (check.delta_m_by_hand, changes, "return one number"),
    (check.delta_m_by_hand, lambda m, b: 0.0, "your function raised TypeError"),
    (check.delta_m_by_hand, -6.67, "write a function"),
    (check.delta_m_by_hand, in_the_order_of_the_dictionaries, "match the entries by name"),
    (check.verdicts, {"A": "helps", "B": "helps", "C": "hurts"}, "zero is inside"),
    (check.verdicts, {"A": "cannot tell", "B": "cannot tell", "C": "hurts"}, "the whole interval lies above zero"),
    (check.verdicts, {"A": "helps", "B": "hurts", "C": "hurts"}, "the whole interval lies above zero"),
    (check.verdicts, {"A": "helps", "B": "cannot tell"}, "a verdict for each"),
    (check.verdicts, {"A": "yes", "B": "cannot tell", "C": "no"}, "the verdicts are"),
    (check.verdicts, ["helps", "cannot tell", "hurts"], "a verdict for each"),
]

test_coverage, test_right, test_wrong, test_nothing = common_tests(check, RIGHT, WRONG)


def test_the_numbers_in_the_hints_are_so():
    made = datasets.multi_mnist(10, 5, 5)
    shared = models.hard_sharing(models.lenet, made)
    assert models.count_parameters(shared) == 22_350
    assert models.count_parameters(shared.encoder) == 21_330
    images, _ = next(made.train.batches(4))
    shared(images)["left"].sum().backward()
    reached = {name.split(".")[1] for name, parameter in shared.named_parameters() if parameter.grad is not None}
    assert check.parameters_reached(reached).state == "right"
    assert delta_m(check.METRICS, check.BASELINE, check.HIGHER_IS_BETTER) == pytest.approx(-6.67, abs=0.01)
    means = {name: (mean - half, mean + half) for name, (mean, half) in check.DIFFERENCES.items()}
    assert means["A"][0] > 0 > means["C"][1]
    assert means["B"][0] < 0 < means["B"][1]
