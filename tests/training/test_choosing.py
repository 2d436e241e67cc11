"""Which weights are the best on validation, and when to stop early."""

import itertools
import math

import pytest
import torch
from short_runs import run, same, weights_of

from mtl_utils.evaluation import Evaluation, evaluate
from mtl_utils.tasks import MISSING_CLASS, classification, pixel_regression, regression
from mtl_utils.training.choosing import lowest_loss, mean_improvement, metric_of
from mtl_utils.training.history import History


def test_the_best_weights_on_validation_come_back(two_digits, shared):
    seen = {}

    def choose(now, first, tasks):
        seen[len(seen) + 1] = weights_of(shared)
        return -abs(len(seen) - 3)  # the third validation is the best

    history = run(shared, two_digits, steps=12, validate_every=2, choose=choose)
    assert len(seen) == 6
    assert history.best_step == 6
    assert same(weights_of(shared), seen[3])
    assert history.best == history.steps[5].validation == evaluate(shared, two_digits.val)


def test_early_stopping_waits_for_so_many_validations(two_digits, shared):
    worse_and_worse = itertools.count(0, -1)
    history = run(shared, two_digits, steps=50, validate_every=2, patience=3, choose=lambda *_: next(worse_and_worse))
    assert len(history.steps) == 8
    assert history.best_step == 2
    assert history.stopped == "stopped early: 3 validations without progress"


def test_choosers(two_digits, shared):
    validation = evaluate(shared, two_digits.val)
    assert metric_of("right")(validation, validation, two_digits.tasks) == validation.metrics["right"]
    assert lowest_loss(validation, validation, two_digits.tasks) == -sum(validation.losses.values())
    history = History()
    with pytest.raises(ValueError, match=r"cannot choose by task 'up'; the tasks are \['left', 'right'\]"):
        run(shared, two_digits, steps=3, choose=metric_of("up"), history=history)
    assert history.steps == []  # told before the first update, not at the first validation
    with pytest.raises(ValueError, match=r"cannot choose by task 'up'"):
        metric_of("up")(validation, validation, two_digits.tasks)


NAN = float("nan")


def test_the_mean_metric_is_taken_of_metrics_without_a_unit_only():
    accuracies = [classification("left", 2), classification("right", 2)]
    now, first = Evaluation(metrics={"left": 0.5, "right": 0.9}), Evaluation(metrics={"left": 0.1, "right": 0.2})
    assert mean_improvement(now, first, accuracies) == pytest.approx(0.7)
    assert mean_improvement(now, first, [regression("left")]) == -0.5
    # Pixels and metres share "mean absolute error", but no unit: each counts relative to its own first value.
    pixels, metres = regression("left", 2), pixel_regression("right")
    start = Evaluation(metrics={"left": 5.0, "right": 1.0})
    tenth, half = (Evaluation(metrics={"left": left, "right": right}) for left, right in ((4.5, 1.0), (5.0, 0.5)))
    assert mean_improvement(tenth, start, [pixels, metres]) == pytest.approx(5)
    assert mean_improvement(half, start, [pixels, metres]) == pytest.approx(25)


def test_the_lowest_loss_counts_the_tasks_that_have_labels(two_digits):
    some = Evaluation(losses={"left": 0.5, "right": NAN})
    assert lowest_loss(some, some, two_digits.tasks) == -0.5
    none = Evaluation(losses={"left": NAN, "right": NAN})
    with pytest.raises(ValueError, match=r"no task has a label in the validation split"):
        lowest_loss(none, none, two_digits.tasks)


def test_a_score_that_is_no_number_is_told(two_digits, shared):
    unlabelled = [(i, t | {"right": torch.full_like(t["right"], MISSING_CLASS)}) for i, t in two_digits.val.batches(40)]
    with pytest.raises(
        ValueError, match=r"score is not a number: a task that `choose` looks at has no label in the validation"
    ):
        run(shared, two_digits, steps=2, val=unlabelled, choose=metric_of("right"))
    assert run(shared, two_digits, steps=2, val=unlabelled, choose=lowest_loss).best_step == 2
    for nothing in (None, "good"):
        with pytest.raises(ValueError, match=rf"`choose` must return a number, not {nothing!r}"):
            run(shared, two_digits, steps=1, choose=lambda *_, answer=nothing: answer)
    history = run(shared, two_digits, steps=2, choose=lambda *_: -math.inf)
    with pytest.raises(ValueError, match=r"no validation of this run was chosen as the best"):
        _ = history.best
