"""Dynamic weight average and random weights: by hand, and by misuse."""

import math

import pytest
import torch
from torch import nn
from weighting_problem import (
    NAMES,
    backward,
    made_up,
    trained,
)

from mtl_utils import balancing
from mtl_utils.randomness import seeded


def test_a_loss_that_is_zero_for_whole_epochs_has_no_ratio_for_dwa():
    balancer = balancing.DynamicWeightAverage()
    balancer.prepare(NAMES)
    losses = {"kind": 1.0, "size": 0.0, "weight": 2.0}
    for _ in range(2):
        backward(balancer, made_up(**losses))
        balancer.after_epoch()
    untouched = made_up(**losses)
    with pytest.raises(ValueError, match=r"DWA gave task 'kind' the weight nan.*a loss of zero may be the reason"):
        backward(balancer, untouched)
    assert all(loss.grad is None for loss in untouched.values())


def test_dwa_by_hand():
    balancer = balancing.DynamicWeightAverage(temperature=1.0)
    balancer.prepare(["a", "b"])
    for epoch in ([(8, 4), (4, 4)], [(3, 3), (3, 5)]):  # means 6, 4 and then 3, 4
        for first, second in epoch:
            assert backward(balancer, made_up(a=first, b=second)) == {"a": 1.0, "b": 1.0}
        balancer.after_epoch()
    slow = math.exp(1.0) / (math.exp(0.5) + math.exp(1.0))
    assert backward(balancer, made_up(a=1, b=1)) == pytest.approx({"a": 2 * (1 - slow), "b": 2 * slow}, rel=1e-5)


def test_dwa_changes_its_weights_between_epochs_only_and_they_sum_to_the_number_of_tasks():
    _, history, _ = trained(balancing.DynamicWeightAverage, steps=8)  # two steps make an epoch
    weights = [tuple(step.weights.values()) for step in history.steps]
    assert weights[:4] == [(1.0, 1.0, 1.0)] * 4
    assert weights[4] == weights[5] != weights[3]
    assert weights[6] == weights[7]
    assert [sum(each) for each in weights] == pytest.approx([3.0] * 8)


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), float("inf")])
def test_dwa_refuses_an_impossible_temperature(temperature):
    with pytest.raises(ValueError, match="temperature must be above zero"):
        balancing.DynamicWeightAverage(temperature)


def test_random_weights_sum_to_one_and_change_every_step():
    _, history, _ = trained(balancing.RandomWeighting, steps=20)
    weights = [tuple(step.weights.values()) for step in history.steps]
    assert [sum(each) for each in weights] == pytest.approx([1.0] * 20)
    assert len(set(weights)) == 20


def test_random_weights_do_not_prefer_a_place():
    balancer = balancing.RandomWeighting()
    balancer.prepare(NAMES)
    with seeded(1):
        drawn = torch.tensor(
            [list(balancer.backward(made_up(kind=1, size=10, weight=100), nn.Identity()).values()) for _ in range(3000)]
        )
    assert drawn.mean(0).tolist() == pytest.approx([1 / 3] * 3, abs=0.02)
