"""Gradient-level balancers in the training loop: missing labels, features, batch norm and dropout, seeds."""

import math

import pytest
import torch
from gradients_as_given import ALL, Linear, every_method
from torch import nn
from torchjd import aggregation

from mtl_utils import balancing, models, training
from mtl_utils.datasets.labels import with_few_labels


@every_method
@pytest.mark.parametrize("level", ["parameters", "features"])
def test_partly_labelled_data_train_every_part(make, level, digits, encoder):
    tasks = digits.for_tasks("digit", "even", "loop")
    split = with_few_labels(with_few_labels(tasks.train, "even", 20), "loop", 20, seed=1)
    model = models.hard_sharing(encoder, split)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    history = training.fit(model, split, epochs=1, batch_size=8, balancer=make(level=level), progress=False)
    together = [sum(not math.isnan(weight) for weight in step.losses.values()) for step in history.steps]
    assert {1, 2} <= set(together)  # some batches had labels for one task only, some for two
    for name, tensor in model.state_dict().items():
        assert torch.isfinite(tensor).all()
        assert not torch.equal(tensor, before[name]), name


def test_a_missing_task_contributes_no_row():
    model, balancer = Linear([[1.0, 0.0], [-1.0, 1.0], [-5.0, 0.0]]), balancing.pcgrad()
    balancer.prepare("abc")
    losses = model(None)
    weights = balancer.backward({"a": losses["a"], "b": losses["b"]}, model)
    torch.testing.assert_close(model.shared[0].grad, torch.tensor([0.5, 1.5]))
    assert list(weights) == ["a", "b"]
    assert model.heads["c"][0].grad is None


def test_one_labelled_task_in_a_batch_gives_its_plain_gradient():
    for make in ALL.values():
        model, balancer = Linear([[3.0, 0.0], [-1.0, 1.0]]), make()
        balancer.prepare("ab")
        assert balancer.backward({"a": model(None)["a"]}, model) == {"a": 1.0}
        assert model.shared[0].grad.tolist() == [3.0, 0.0]


def feature_update(model, batch, tasks, make):
    images, targets = batch
    balancer = balancing.Aggregation(lambda count: make(), level="features")
    balancer.prepare([task.name for task in tasks])
    balancer.attach(model)
    model.zero_grad()
    outputs = model(images)
    balancer.backward({task.name: task.loss(outputs[task.name], targets[task.name]) for task in tasks}, model)
    balancer.detach()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def test_the_sum_of_features_gradients_is_the_plain_sum_and_heads_get_their_own(two_digits, shared):
    batch = two_digits.train.batch(slice(0, 32))
    ours = feature_update(shared, batch, two_digits.tasks, aggregation.Sum)
    shared.zero_grad()
    outputs = shared(batch[0])
    sum(task.loss(outputs[task.name], batch[1][task.name]) for task in two_digits.tasks).backward()
    for name, parameter in shared.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad)


def test_features_gradients_are_those_of_torchjd(two_digits, shared):
    """Against TorchJD's engine, asked for the Jacobian with respect to the features."""
    images, targets = two_digits.train.batch(slice(0, 32))
    ours = feature_update(shared, (images, targets), two_digits.tasks, aggregation.PCGrad)
    shared.zero_grad()
    features = shared.encode(images)
    outputs = shared.decode(features)
    losses = [task.loss(outputs[task.name], targets[task.name]) for task in two_digits.tasks]
    rows = torch.stack([torch.autograd.grad(loss, features, retain_graph=True)[0].flatten() for loss in losses])
    features.backward(aggregation.PCGrad()(rows).view_as(features))
    for name, parameter in shared.encoder.named_parameters():
        torch.testing.assert_close(ours[f"encoder.{name}"], parameter.grad, atol=1e-6, rtol=1e-4)


def test_features_and_parameters_are_different_methods(two_digits, shared):
    batch = two_digits.train.batch(slice(0, 64))
    on_features = feature_update(shared, batch, two_digits.tasks, aggregation.MGDA)
    balancer = balancing.mgda()
    balancer.prepare(["left", "right"])
    shared.zero_grad()
    outputs = shared(batch[0])
    balancer.backward({task.name: task.loss(outputs[task.name], batch[1][task.name]) for task in two_digits.tasks}, shared)
    assert not torch.allclose(on_features["encoder.conv.0.weight"], shared.encoder.conv[0].weight.grad, rtol=1e-2)


@pytest.mark.parametrize("level", ["parameters", "features"])
def test_batch_norm_and_dropout_see_a_batch_once(level, two_digits):
    def normalized(image_shape):
        return nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5)))

    model = models.hard_sharing(normalized, two_digits)
    masks = []
    model.encoder[0][-1].register_forward_hook(lambda module, inputs, output: masks.append(output))
    training.fit(model, two_digits.train, steps=3, batch_size=32, balancer=balancing.pcgrad(level=level), progress=False)
    assert int(model.encoder[0][2].num_batches_tracked) == 3
    assert len(masks) == 3


def test_nothing_of_a_balancer_stays_on_the_model(two_digits, shared):
    training.fit(shared, two_digits, steps=2, balancer=balancing.mgda(level="features"), progress=False)
    assert not shared.encoder._forward_hooks


def test_a_level_of_features_is_the_same_with_the_same_seed(two_digits, encoder):
    def trained():
        model = models.hard_sharing(encoder, two_digits)
        training.fit(model, two_digits, steps=3, balancer=balancing.pcgrad(level="features"), progress=False)
        return model.state_dict()

    one, two = trained(), trained()
    assert all(torch.equal(one[name], two[name]) for name in one)
