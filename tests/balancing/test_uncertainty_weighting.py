"""Uncertainty weighting, IMTL-L and the geometric mean, one family: by hand, against each other, and by misuse."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchjd import scalarization
from weighting_problem import (
    NAMES,
    TASKS,
    UncertaintyFromFirst,
    backward,
    made_up,
)

from mtl_utils import balancing
from mtl_utils.tasks import classification, regression


@pytest.mark.parametrize("make", [partial(balancing.UncertaintyWeighting, TASKS), balancing.IMTLL])
def test_a_negative_loss_whose_weight_would_grow_without_bound_is_refused(make):
    balancer = make()
    balancer.prepare(NAMES)
    backward(balancer, made_up(kind=1.0, size=0.0, weight=1.0))  # zero is allowed
    with pytest.raises(ValueError, match="needs losses of zero or more, and the loss of task 'size' is -1: shift it"):
        backward(balancer, made_up(kind=1.0, size=-1.0, weight=1.0))


def test_uncertainty_weighting_by_hand():
    balancer = balancing.UncertaintyWeighting(TASKS)
    balancer.prepare(NAMES)
    losses = made_up(kind=2.0, size=3.0, weight=50.0)
    assert backward(balancer, losses) == pytest.approx({"kind": 1.0, "size": 0.5, "weight": 0.5})
    assert losses["kind"].grad == 1 and losses["size"].grad == 0.5
    # d/ds (f·e^(−s)·L + ½s) at s = 0 is ½ − f·L
    assert balancer.scalarizer.log_variances.grad.tolist() == pytest.approx([0.5 - 2, 0.5 - 1.5, 0.5 - 25])


def test_started_at_the_first_losses_every_weighted_loss_is_a_half_and_s_rests():
    balancer = UncertaintyFromFirst()
    balancer.prepare(NAMES)
    weights = backward(balancer, made_up(kind=2.0, size=3.0, weight=50.0))
    assert weights == pytest.approx({"kind": 1 / 4, "size": 1 / 6, "weight": 1 / 100})
    assert balancer.log_variances == pytest.approx({"kind": math.log(4), "size": math.log(3), "weight": math.log(50)})
    assert balancer.scalarizer.log_variances.grad.tolist() == pytest.approx([0, 0, 0], abs=1e-6)


def test_a_task_that_comes_later_starts_at_its_own_first_loss():
    balancer = UncertaintyFromFirst()
    balancer.prepare(NAMES)
    backward(balancer, made_up(kind=2.0, size=3.0))
    weights = backward(balancer, made_up(kind=4.0, weight=50.0))
    assert weights == pytest.approx({"kind": 1 / 4, "weight": 1 / 100})


def test_started_at_the_first_losses_the_factor_makes_no_difference():
    factors_of_kendall = (classification("a", 2), regression("b", 1))
    half_for_all = (regression("a", 1), regression("b", 1))
    weights = []
    for tasks in (factors_of_kendall, half_for_all):
        balancer = balancing.UncertaintyWeighting(tasks, start="first losses")
        balancer.prepare(["a", "b"])
        optimizer = torch.optim.Adam(balancer.parameters(), lr=0.05)
        for first, second in ((2.0, 90.0), (1.5, 30.0), (1.2, 9.0), (1.0, 2.0)):
            optimizer.zero_grad()
            weights.append(backward(balancer, made_up(a=first, b=second)))
            optimizer.step()
    for one, other in zip(weights[:4], weights[4:], strict=True):
        assert one == pytest.approx(other, rel=1e-5)


def test_a_wrong_start_and_tasks_of_another_name_are_refused_in_words():
    with pytest.raises(ValueError, match="'zero' or 'first losses', not 'one'"):
        balancing.UncertaintyWeighting(TASKS, start="one")
    with pytest.raises(ValueError, match=r"made for the tasks \['kind', 'size', 'weight'\], not for 'age'"):
        balancing.UncertaintyWeighting(TASKS).prepare(["kind", "age"])
    with pytest.raises(ValueError, match=r"starts at the first losses needs losses above zero, .* 'size' is 0"):
        balancer = UncertaintyFromFirst()
        balancer.prepare(NAMES)
        backward(balancer, made_up(kind=1.0, size=0.0))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=5), st.data())
def test_imtl_l_is_twice_the_uncertainty_weighting_with_half_at_minus_s(losses, data):
    count = len(losses)
    scales = torch.tensor(data.draw(st.lists(st.floats(-3, 3), min_size=count, max_size=count)))
    names = [f"task {number}" for number in range(count)]
    imtl, half = balancing.IMTLL(), balancing.Scalarization(scalarization.UW)
    for balancer, start in ((imtl, scales), (half, -scales)):
        balancer.prepare(names)
        with torch.no_grad():
            balancer.parameters()[0].copy_(start)
    values = dict(zip(names, losses, strict=True))
    ours, theirs = backward(imtl, made_up(**values)), backward(half, made_up(**values))
    assert ours == pytest.approx({name: 2 * weight for name, weight in theirs.items()}, rel=1e-4)
    torch.testing.assert_close(imtl.parameters()[0].grad, -2 * half.parameters()[0].grad, rtol=1e-4, atol=1e-4)


def test_imtl_l_rests_where_every_scaled_loss_is_one():
    balancer = balancing.IMTLL()
    balancer.prepare(NAMES)
    optimizer = torch.optim.Adam(balancer.parameters(), lr=0.1)
    for _ in range(400):
        optimizer.zero_grad()
        weights = backward(balancer, made_up(kind=2.0, size=0.1, weight=50.0))
        optimizer.step()
    assert weights == pytest.approx({"kind": 1 / 2, "size": 10, "weight": 1 / 50}, rel=1e-2)


def test_geometric_mean_by_hand():
    balancer = balancing.GeometricMean()
    balancer.prepare(["a", "b"])
    losses = made_up(a=2.0, b=8.0)  # the geometric mean is 4, the weights 4/(2·2) and 4/(2·8)
    assert backward(balancer, losses) == pytest.approx({"a": 1.0, "b": 0.25})
    assert losses["b"].grad == pytest.approx(0.25)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6))
def test_the_geometric_mean_makes_all_weighted_losses_equal(losses):
    names = [f"task {number}" for number in range(len(losses))]
    balancer = balancing.GeometricMean()
    balancer.prepare(names)
    weights = backward(balancer, made_up(**dict(zip(names, losses, strict=True))))
    mean = math.exp(sum(map(math.log, losses)) / len(losses))
    assert [weights[name] * loss for name, loss in zip(names, losses, strict=True)] == pytest.approx(
        [mean / len(losses)] * len(losses), rel=1e-4
    )
