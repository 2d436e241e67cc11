"""Automatic loss weighting, what holds for every balancer: the gradient, seeds, missing labels, order, scale, bad losses."""

import math
from functools import partial

import pytest
import torch
from torch import nn
from weighting_problem import (
    MAKERS,
    NAMES,
    TASKS,
    backward,
    backward_on,
    encoder,
    every_balancer,
    losses_of,
    made_up,
    model,
    split,
    trained,
)

from mtl_utils import balancing, training
from mtl_utils.datasets import MultiTaskDataset
from mtl_utils.models import HardSharing, hard_sharing
from mtl_utils.randomness import seeded
from mtl_utils.tasks import regression


@every_balancer
def test_the_model_gets_the_gradient_of_the_weighted_sum_with_the_weights_that_are_returned(make):
    network, data = model(), split()
    balancer = make()
    balancer.prepare(NAMES)
    weights = backward_on(balancer, network, data)
    found = [parameter.grad.clone() for parameter in network.parameters()]
    network.zero_grad()
    sum(weights[name] * loss for name, loss in losses_of(network, data).items()).backward()
    for gradient, parameter in zip(found, network.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad, rtol=1e-4, atol=1e-5)


@every_balancer
def test_training_gives_finite_positive_weights_and_the_same_seed_the_same_numbers(make):
    network, history, _ = trained(make)
    assert len(history.steps) == 6
    assert all(math.isfinite(weight) and weight > 0 for step in history.steps for weight in step.weights.values())
    again, repeated, _ = trained(make)
    assert history.table().equals(repeated.table())
    for first, second in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(first, second)


@every_balancer
def test_a_second_run_forgets_the_first(make):
    balancer = make()
    arguments = {"steps": 5, "batch_size": 32, "balancer": balancer, "progress": False, "device": "cpu"}
    first = training.fit(model(), split(), **arguments)
    second = training.fit(model(), split(), **arguments)
    assert first.table().equals(second.table())


@every_balancer
def test_a_task_without_labels_in_some_batches_gets_no_weight_there_and_training_goes_on(make):
    data = split()
    size = data.targets["size"].clone()
    size[torch.arange(64) % 32 != 0] = float("nan")  # two labels, so that most batches of 8 have none
    network, history, _ = trained(make, steps=16, data=data.with_targets(size=size))
    absent = [step for step in history.steps if math.isnan(step.losses["size"])]
    present = [step for step in history.steps if not math.isnan(step.losses["size"])]
    assert len(absent) + len(present) == 16
    assert all(math.isfinite(step.weights["size"]) for step in present)
    assert all(math.isfinite(step.weights["kind"]) for step in history.steps)
    assert all(parameter.isfinite().all() for parameter in network.parameters())


@every_balancer
def test_a_task_absent_from_the_first_batches_and_then_there(make):
    network, data = model(), split()
    balancer = make()
    balancer.prepare(NAMES)
    for present in (["kind", "size"], ["weight"], ["kind"], NAMES):
        everything = losses_of(network, data)
        weights = balancer.backward({name: everything[name] for name in present}, network)
        assert list(weights) == present
        assert all(math.isfinite(weight) and weight > 0 for weight in weights.values())
        if balancer.needs_losses_again:
            balancer.after_step(lambda present=present: {name: losses_of(network, data)[name] for name in present})


@every_balancer
def test_one_task_alone_is_trained_by_its_own_gradient(make):
    tasks = TASKS[1:2]
    network, data = model(tasks), split(tasks=tasks)
    balancer = make()
    balancer.prepare(["size"])
    weights = backward_on(balancer, network, data)
    found = torch.cat([parameter.grad.flatten() for parameter in network.parameters()])
    network.zero_grad()
    losses_of(network, data)["size"].backward()
    own = torch.cat([parameter.grad.flatten() for parameter in network.parameters()])
    torch.testing.assert_close(found, weights["size"] * own)
    trained(make, tasks=tasks)


@pytest.mark.parametrize("name", ["DWA", "random", "geometric mean", "FAMO", "GradNorm"])
def test_the_only_task_has_weight_one(name):
    _, history, _ = trained(MAKERS[name], tasks=TASKS[1:2])
    assert [step.weights["size"] for step in history.steps] == pytest.approx([1.0] * 6, rel=1e-5)


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "random"])
def test_tasks_in_another_order_get_the_same_weights(name):
    make = MAKERS[name]
    _, history, _ = trained(make)
    data = split().for_tasks("weight", "kind", "size")
    network = model()
    other = HardSharing(network.encoder, {name: network.heads[name] for name in ("weight", "kind", "size")})
    permuted = training.fit(other, data, steps=6, batch_size=32, balancer=make(), progress=False, device="cpu")
    for first, second in zip(history.steps, permuted.steps, strict=True):
        assert list(second.weights) == ["weight", "kind", "size"]
        assert {name: second.weights[name] for name in NAMES} == pytest.approx(first.weights, rel=1e-3)


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "random"])
def test_equal_tasks_get_equal_weights(name):
    tasks = (regression("a", 2), regression("b", 2))
    data = split()
    target = data.targets["size"]
    data = MultiTaskDataset(data.images, {"a": target, "b": target}, tasks)
    network = hard_sharing(encoder, data)
    network.heads["b"].load_state_dict(network.heads["a"].state_dict())
    make = {
        "uncertainty weighting": partial(balancing.UncertaintyWeighting, tasks),
        "uncertainty weighting, first losses": partial(balancing.UncertaintyWeighting, tasks, start="first losses"),
    }.get(name, MAKERS[name])
    history = training.fit(network, data, epochs=4, batch_size=32, balancer=make(), progress=False, device="cpu")
    for step in history.steps:
        assert step.weights["a"] == pytest.approx(step.weights["b"], rel=1e-4)


def scaled_run(make, factor, steps=5):
    """The weights of a run in which the losses of one task are all multiplied."""
    network, data = model(), split()
    balancer = make()
    balancer.prepare(NAMES)
    learned = balancer.parameters()
    groups = [{"params": list(network.parameters())}] + ([{"params": learned}] if learned else [])
    optimizer = training.adam(1e-3)(groups)
    history = []
    with seeded(0):
        for _ in range(steps):
            optimizer.zero_grad()
            history.append(balancer.backward(losses_of(network, data, {"weight": factor}), network))
            optimizer.step()
            if balancer.needs_losses_again:
                balancer.after_step(lambda: losses_of(network, data, {"weight": factor}))
            balancer.after_epoch()
    return history


@pytest.mark.parametrize("name", ["DWA", "random"])
def test_scaling_one_loss_leaves_the_weights_of_methods_that_do_not_see_its_size(name):
    runs = []
    for factor in (1.0, 1000.0):
        balancer = MAKERS[name]()
        balancer.prepare(NAMES)
        run = []
        for kind, size, weight in ((3.0, 2.0, 9.0), (2.0, 1.9, 3.0), (1.5, 1.8, 2.5), (1.4, 1.0, 2.4)):
            run.append(backward(balancer, made_up(kind=kind, size=size, weight=factor * weight)))
            balancer.after_epoch()
        runs.append(run)
    assert max(runs[0][-1].values()) - min(runs[0][-1].values()) > 0.05  # it does weigh
    for plain, scaled in zip(*runs, strict=True):
        assert scaled == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("name", ["geometric mean", "FAMO", "uncertainty weighting, first losses"])
def test_scaling_one_loss_is_undone_by_its_weight(name):
    plain, scaled = scaled_run(MAKERS[name], 1.0), scaled_run(MAKERS[name], 1024.0)
    for first, second in zip(plain, scaled, strict=True):
        assert 1024 * second["weight"] / second["kind"] == pytest.approx(first["weight"] / first["kind"], rel=2e-3)
        assert second["size"] / second["kind"] == pytest.approx(first["size"] / first["kind"], rel=2e-3)


@every_balancer
def test_losses_near_zero_and_huge_ones_do_not_break_anything(make):
    network, data = model(), split()
    balancer = make()
    balancer.prepare(NAMES)
    weights = backward_on(balancer, network, data, {"kind": 1e-6, "weight": 1e6})
    assert all(math.isfinite(weight) for weight in weights.values())
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


@pytest.mark.parametrize("name", ["geometric mean", "FAMO", "GradNorm"])
@pytest.mark.parametrize("loss", [0.0, -0.2])
def test_a_loss_that_is_not_above_zero_is_refused_by_the_task_s_name(name, loss):
    balancer = MAKERS[name]()
    balancer.prepare(["kind", "size"])
    with pytest.raises(ValueError, match=f"needs losses above zero, and the loss of task 'size' is {loss:.4g}"):
        balancer.backward(made_up(kind=1.0, size=loss), nn.Identity())
