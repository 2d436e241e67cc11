"""Bad input to gradient-level balancers is told in words."""

import pytest
import torch
from gradients_as_given import Linear
from torchjd import aggregation

from mtl_utils import balancing, models, training
from mtl_utils.balancing import two_tasks
from mtl_utils.balancing.nash import NashBargaining


def test_one_task_is_told(two_digits, encoder):
    model = models.single_task(encoder, two_digits, "left")
    with pytest.raises(
        ValueError, match=r"PCGrad combines the gradients of two tasks or more, .* only 'left': use WeightedSum"
    ):
        training.fit(model, two_digits.for_tasks("left"), steps=1, balancer=balancing.pcgrad(), progress=False)


def test_a_model_that_shares_nothing_is_told(two_digits, encoder):
    model = models.separate_networks(encoder, two_digits)
    with pytest.raises(ValueError, match=r"MGDA .* this SeparateNetworks has none that learn: its tasks cannot conflict"):
        training.fit(model, two_digits, steps=1, balancer=balancing.mgda(), progress=False)


def test_a_frozen_encoder_is_told(two_digits, shared):
    shared.encoder.requires_grad_(False)
    for level in ("parameters", "features"):
        with pytest.raises(ValueError, match=r"this HardSharing has none that learn"):
            training.fit(shared, two_digits, steps=1, balancer=balancing.pcgrad(level=level), progress=False)


def test_a_model_without_one_encoder_is_told_at_the_level_of_features(two_digits, encoder):
    model = models.cross_stitch(encoder, two_digits)
    with pytest.raises(ValueError, match=r"level='features' .* CrossStitch.* is not one of them: use level='parameters'"):
        training.fit(model, two_digits, steps=1, balancer=balancing.pcgrad(level="features"), progress=False)


def test_features_that_nobody_saw_are_told(two_digits, shared):
    balancer = balancing.pcgrad(level="features")
    balancer.prepare(["left", "right"])
    losses = {name: output.square().mean() for name, output in shared(two_digits.train.batch(slice(0, 4))[0]).items()}
    with pytest.raises(ValueError, match=r"call balancer.attach\(model\) before the first one"):
        balancer.backward(losses, shared)
    balancer.attach(shared)
    with pytest.raises(ValueError, match=r"found no features with a graph"):
        balancer.backward(losses, shared)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_names_the_task(value):
    model, balancer = Linear([[1.0, 0.0], [value, 1.0]]), balancing.cagrad()
    balancer.prepare("ab")
    with pytest.raises(ValueError, match=r"the gradient of task 'b' on the shared parameters is not finite: CAGrad"):
        balancer.backward(model(None), model)
    assert model.shared[0].grad is None


def test_gradients_that_are_all_zero_are_told():
    model, balancer = Linear([[0.0, 0.0], [0.0, 0.0]]), balancing.upgrad()
    balancer.prepare("ab")
    with pytest.raises(ValueError, match=r"the gradients of all tasks \(a, b\) .* are zero, so UPGrad has nothing to combine"):
        balancer.backward(model(None), model)


def test_a_loss_without_a_graph_names_the_task():
    model, balancer = Linear([[1.0, 0.0], [0.0, 1.0]]), balancing.pcgrad()
    balancer.prepare("ab")
    losses = model(None)
    with pytest.raises(ValueError, match=r"the loss of task 'b' has no graph"):
        balancer.backward({"a": losses["a"], "b": losses["b"].detach()}, model)


BAD_ARGUMENTS = [
    (lambda: balancing.pcgrad(level="heads"), r"level= must be 'parameters' or 'features', not 'heads'"),
    (lambda: balancing.Aggregation(aggregation.PCGrad()(torch.eye(2))), r"make= takes a function"),
    (lambda: balancing.cagrad(-1), r"CAGrad's c must be zero or more and finite, not -1"),
    (lambda: balancing.cagrad(float("nan")), r"CAGrad's c must be .* not nan"),
    (lambda: balancing.fairgrad(0), r"FairGrad's alpha must be above zero"),
    (lambda: balancing.gradvac(2), r"GradVac's beta must be from 0 to 1"),
    (lambda: NashBargaining(-1), r"max_norm must be zero or more"),
    (lambda: two_tasks.two_task_cagrad(-1), r"CAGrad's c must be zero or more"),
    (lambda: two_tasks.weighted_sum(2), r"the share of the first task must be from 0 to 1"),
    (lambda: two_tasks.two_task_mgda(torch.eye(3)), r"two gradients have a Gramian of 2×2 numbers, not \(3, 3\)"),
]


@pytest.mark.parametrize(("make", "words"), BAD_ARGUMENTS)
def test_bad_arguments_are_told(make, words):
    with pytest.raises(ValueError, match=words):
        make()
