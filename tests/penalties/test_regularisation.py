"""Penalties: by hand, with their gradients, and without biases."""

import pytest
import torch
from torch import nn

from mtl_utils import models, penalties
from mtl_utils.penalties.l1_l2 import L1, L2
from mtl_utils.training import fit


@pytest.fixture
def layer():
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, -4.0]]))
        layer.bias.fill_(100.0)
    return layer


@pytest.mark.parametrize(("make", "value", "gradient"), [(L1, 0.1 * 7, [0.1, -0.1]), (L2, 0.05 * 25, [0.3, -0.4])])
def test_penalties_by_hand(layer, make, value, gradient):
    penalty = make(0.1)(layer)
    penalty.backward()
    assert penalty.item() == pytest.approx(value)
    assert layer.weight.grad[0].tolist() == pytest.approx(gradient)
    assert layer.bias.grad is None


def test_batch_norm_is_left_out():
    whole, convolution = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)), nn.Conv2d(1, 2, 3)
    convolution.load_state_dict(whole[0].state_dict())
    assert L2(1.0)(whole) == L2(1.0)(convolution)


@pytest.mark.parametrize("make", [L1, L2])
def test_the_strength_may_change_and_zero_is_nothing(layer, make):
    penalty = make(0.0)
    assert penalty(layer).item() == 0
    penalty.strength = 2.0
    assert penalty(layer).item() == pytest.approx(make(2.0)(layer).item())


@pytest.mark.parametrize("make", [L1, L2])
@pytest.mark.parametrize("way", [models.cross_stitch, models.nddr])
def test_what_has_no_weight_decay_is_left_out(make, way, two_digits, encoder):
    # A mixture of columns that is pulled towards zero is pulled towards nothing.
    model = way(encoder, two_digits)
    make(0.1)(model).backward()
    assert all(parameter.grad is None for parameter in model.crossings.parameters())
    assert make(0.1)(model).item() == pytest.approx((make(0.1)(model.columns) + make(0.1)(model.heads)).item())


def test_l2_with_plain_descent_is_weight_decay(two_digits, encoder):
    penalized, decayed = (models.hard_sharing(encoder, two_digits) for _ in range(2))

    def groups_by_dimension(groups):
        wide = [p for p in groups[0]["params"] if p.dim() > 1]
        flat = [p for p in groups[0]["params"] if p.dim() == 1]
        return torch.optim.SGD([{"params": wide, "weight_decay": 0.1}, {"params": flat}], lr=0.1)

    fit(penalized, two_digits, steps=3, penalty=L2(0.1), optimizer=lambda g: torch.optim.SGD(g, lr=0.1), progress=False)
    fit(decayed, two_digits, steps=3, optimizer=groups_by_dimension, progress=False)
    for one, two in zip(penalized.parameters(), decayed.parameters(), strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize("make", [L1, L2, lambda strength: penalties.GateBalance(strength, torch.zeros(1, 1, 28, 28))])
@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf"), "0.1", None, True])
def test_strengths_that_cannot_be_are_told(make, strength):
    with pytest.raises(ValueError, match=r"a penalty's strength must be zero or more and finite, not "):
        make(strength)
    penalty = make(0.1)
    with pytest.raises(ValueError, match=r"a penalty's strength must be zero or more and finite, not "):
        penalty.strength = strength
    assert penalty.strength == 0.1


def test_a_model_without_weights_is_told():
    with pytest.raises(ValueError, match=r"no weights to penalize"):
        L1(0.1)(nn.BatchNorm2d(3))
