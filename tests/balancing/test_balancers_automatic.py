"""Automatic loss weighting: against TorchJD, by hand-worked values, by properties, and by misuse."""

import math
from collections import OrderedDict
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchjd import scalarization

from mtl_utils import balancing, training
from mtl_utils.datasets import MultiTaskDataset
from mtl_utils.models import HardSharing, MultiTaskModel, Part, hard_sharing
from mtl_utils.randomness import seeded
from mtl_utils.tasks import classification, regression

TASKS = (classification("kind", 3), regression("size", 2), regression("weight", 1))
NAMES = [task.name for task in TASKS]

UncertaintyFromFirst = partial(balancing.UncertaintyWeighting, TASKS, start="first losses")
MAKERS = {
    "uncertainty weighting": partial(balancing.UncertaintyWeighting, TASKS),
    "uncertainty weighting, first losses": UncertaintyFromFirst,
    "DWA": balancing.DynamicWeightAverage,
    "random": balancing.RandomWeighting,
    "geometric mean": balancing.GeometricMean,
    "IMTL-L": balancing.IMTLL,
    "FAMO": balancing.FAMO,
    "GradNorm": balancing.GradNorm,
}
every_balancer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def encoder(shape):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU()), dense=nn.Sequential(nn.Flatten(), nn.Linear(108, 5), nn.ReLU())
        )
    )


def split(count=64, seed=0, tasks=TASKS):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
    targets = {
        "kind": torch.randint(3, (count,), generator=generator),
        "size": torch.randn(count, 2, generator=generator) + 2,
        "weight": 10 * torch.randn(count, 1, generator=generator) + 20,
    }
    return MultiTaskDataset(images, {task.name: targets[task.name] for task in tasks}, tasks)


def model(tasks=TASKS, seed=0):
    return hard_sharing(encoder, split(tasks=tasks), seed=seed)


def losses_of(network, data, scale=None):
    images, targets = data.batch(slice(None))
    outputs = network(images)
    return {
        task.name: (scale or {}).get(task.name, 1.0) * task.loss(outputs[task.name], targets[task.name]) for task in data.tasks
    }


def made_up(**values):
    """Losses that are leaves of their own, so that a weight is a loss's gradient."""
    return {name: torch.tensor(float(value), requires_grad=True) for name, value in values.items()}


def backward(balancer, losses):
    with seeded(0):
        return balancer.backward(losses, nn.Identity())


def trained(make, steps=6, tasks=TASKS, data=None, seed=0, **arguments):
    network = model(tasks)
    balancer = make()
    history = training.fit(
        network,
        data or split(tasks=tasks),
        steps=steps,
        batch_size=32,
        balancer=balancer,
        seed=seed,
        progress=False,
        device="cpu",
        **arguments,
    )
    return network, history, balancer


# --- all of them -----------------------------------------------------------------------------------------------------------


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


def backward_on(balancer, network, data, scale=None):
    with seeded(0):
        return balancer.backward(losses_of(network, data, scale), network)


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


@pytest.mark.parametrize("make", [partial(balancing.UncertaintyWeighting, TASKS), balancing.IMTLL])
def test_a_negative_loss_whose_weight_would_grow_without_bound_is_refused(make):
    balancer = make()
    balancer.prepare(NAMES)
    backward(balancer, made_up(kind=1.0, size=0.0, weight=1.0))  # zero is allowed
    with pytest.raises(ValueError, match="needs losses of zero or more, and the loss of task 'size' is -1: shift it"):
        backward(balancer, made_up(kind=1.0, size=-1.0, weight=1.0))


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


def test_when_a_step_goes_astray_famo_leaves_the_words_to_the_training_loop():
    with pytest.raises(training.NonFiniteLossError, match=r"the loss of task .* became (nan|inf) in step 2"):
        trained(balancing.FAMO, optimizer=lambda groups: torch.optim.SGD(groups, lr=1e30))


def test_gradnorm_takes_the_last_shared_layer_that_learns():
    network, data = model(), split()
    network.encoder.dense.requires_grad_(False)
    balancer = balancing.GradNorm()
    balancer.prepare(NAMES)
    backward_on(balancer, network, data)
    assert len(set(balancer.weights.values())) > 1
    named = balancing.GradNorm(layer="encoder.dense")
    named.prepare(NAMES)
    with pytest.raises(ValueError, match=r"'encoder\.dense' has no parameters that learn"):
        backward_on(named, network, data)
    network.encoder.requires_grad_(False)
    with pytest.raises(ValueError, match="no part of this HardSharing that learns is shared by all tasks"):
        backward_on(balancer, network, data)


# --- uncertainty weighting, IMTL-L and the geometric mean: one family -----------------------------------------------------


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


@pytest.mark.parametrize("name", ["geometric mean", "FAMO", "GradNorm"])
@pytest.mark.parametrize("loss", [0.0, -0.2])
def test_a_loss_that_is_not_above_zero_is_refused_by_the_task_s_name(name, loss):
    balancer = MAKERS[name]()
    balancer.prepare(["kind", "size"])
    with pytest.raises(ValueError, match=f"needs losses above zero, and the loss of task 'size' is {loss:.4g}"):
        balancer.backward(made_up(kind=1.0, size=loss), nn.Identity())


# --- DWA -------------------------------------------------------------------------------------------------------------------


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


# --- random weighting ------------------------------------------------------------------------------------------------------


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


# --- FAMO ------------------------------------------------------------------------------------------------------------------


def test_famo_first_weights_by_hand():
    balancer = balancing.FAMO()
    balancer.prepare(["a", "b"])
    # z = (½, ½), c = 1/(½/1 + ½/4) = 1.6, weights c·z/L
    assert backward(balancer, made_up(a=1.0, b=4.0)) == pytest.approx({"a": 0.8, "b": 0.2}, rel=1e-5)


def test_famo_is_torchjd_s_step_by_step():
    ours, theirs = balancing.FAMO(learning_rate=0.1, weight_decay=0.01), scalarization.FAMO(2, lr=0.1, weight_decay=0.01)
    ours.prepare(["a", "b"])
    for before, after in (((4.0, 1.0), (2.0, 0.9)), ((3.0, 1.0), (1.0, 0.99)), ((2.0, 1.0), (2.5, 0.7))):
        losses = made_up(a=before[0], b=before[1])
        reference = torch.tensor(before, requires_grad=True)
        weights = backward(ours, losses)
        theirs(reference).backward()
        assert list(weights.values()) == pytest.approx(reference.grad.tolist(), rel=1e-5)
        ours.after_step(lambda after=after: made_up(a=after[0], b=after[1]))
        theirs.update(torch.tensor(after))


def test_famo_moves_weight_to_the_loss_that_fell_less():
    balancer = balancing.FAMO()
    balancer.prepare(["a", "b"])
    first = backward(balancer, made_up(a=1.0, b=1.0))
    balancer.after_step(lambda: made_up(a=0.5, b=0.9))
    second = backward(balancer, made_up(a=1.0, b=1.0))
    assert second["b"] > first["b"] and second["a"] < first["a"]


def test_famo_absence_alone_moves_no_weights():
    balancer = balancing.FAMO(weight_decay=0.0)
    balancer.prepare(NAMES)
    before = backward(balancer, made_up(kind=1.0, size=2.0, weight=3.0))
    # Not even measured again: as if nobody had fallen.
    balancer.after_step(lambda: made_up(kind=1.0, size=2.0, weight=3.0))
    backward(balancer, made_up(kind=1.0, size=2.0))
    balancer.after_step(lambda: made_up(kind=0.5, size=1.0))  # both fell by half
    assert backward(balancer, made_up(kind=1.0, size=2.0, weight=3.0)) == pytest.approx(before, rel=1e-4)


def test_famo_gives_the_optimizer_nothing_and_asks_for_one_more_forward_pass():
    balancer = balancing.FAMO()
    balancer.prepare(NAMES)
    assert balancer.parameters() == [] and balancer.needs_losses_again
    network, passes = model(), []
    network.register_forward_hook(lambda *_: passes.append(1))
    training.fit(network, split(), steps=3, batch_size=32, balancer=balancer, progress=False, device="cpu")
    assert len(passes) == 6


@pytest.mark.parametrize(
    "arguments", [{"learning_rate": -0.1}, {"weight_decay": float("nan")}, {"learning_rate": float("inf")}]
)
def test_famo_refuses_impossible_rates(arguments):
    with pytest.raises(ValueError, match=r"FAMO's .* must be zero or more"):
        balancing.FAMO(**arguments)


# --- GradNorm --------------------------------------------------------------------------------------------------------------


class Line(MultiTaskModel):
    """Two tasks that read one shared number, so that everything can be worked by hand."""

    def __init__(self, slopes):
        super().__init__(tuple(slopes))
        self.shared = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.shared.weight, 1.0)
        self.slopes = slopes

    def forward(self, images):
        return {name: slope * self.shared.weight for name, slope in self.slopes.items()}

    def parts(self):
        return [Part("shared", self.task_names, self.shared, 0)]


def line_losses(network, levels):
    """Losses with the given values whose gradients on the shared number are the slopes."""
    return {name: (output - output.detach()).sum() + levels[name] for name, output in network(None).items()}


def test_gradnorm_step_by_hand():
    network = Line({"a": 3.0, "b": 1.0})
    balancer = balancing.GradNorm(alpha=1.0, learning_rate=0.1)
    balancer.prepare(["a", "b"])
    weights = balancer.backward(line_losses(network, {"a": 2.0, "b": 2.0}), network)
    assert weights == {"a": 1.0, "b": 1.0}
    assert network.shared.weight.grad.item() == pytest.approx(4.0)  # nothing but w·g
    # Mean norm 2, r = 1 for both: a is above its target and b below. Adam's first step is 0.1 each way; the sum stays 2.
    assert balancer.weights == pytest.approx({"a": 0.9, "b": 1.1}, rel=1e-5)
    # Now a is behind: L/L(0) are 1 and ½, so r = 4/3 and 2/3; norms 2.7 and 1.1, mean 1.9; targets 2.53 and 1.27: as before.
    network.zero_grad()
    weights = balancer.backward(line_losses(network, {"a": 2.0, "b": 1.0}), network)
    assert weights == pytest.approx({"a": 0.9, "b": 1.1}, rel=1e-5)
    assert network.shared.weight.grad.item() == pytest.approx(0.9 * 3 + 1.1)
    assert balancer.weights["a"] < 0.9
    assert sum(balancer.weights.values()) == pytest.approx(2)


def test_gradnorm_gives_more_to_the_task_that_is_behind():
    network = Line({"a": 1.0, "b": 1.0})
    balancer = balancing.GradNorm(alpha=1.0)
    balancer.prepare(["a", "b"])
    balancer.backward(line_losses(network, {"a": 2.0, "b": 2.0}), network)
    assert balancer.weights == {"a": 1.0, "b": 1.0}  # equal norms, equal progress: nothing to do
    balancer.backward(line_losses(network, {"a": 1.9, "b": 1.0}), network)
    assert balancer.weights["a"] > 1 > balancer.weights["b"]


@pytest.mark.parametrize("slopes", [{"a": 8.0, "b": 1.0}, {"a": 1.0, "b": 3.0, "c": 9.0}])
def test_gradnorm_with_alpha_zero_makes_the_norms_equal(slopes):
    network = Line(slopes)
    balancer = balancing.GradNorm(alpha=0.0, learning_rate=0.01)
    balancer.prepare(list(slopes))
    for _ in range(1000):
        balancer.backward(line_losses(network, dict.fromkeys(slopes, 1.0)), network)
    norms = [balancer.weights[name] * slope for name, slope in slopes.items()]
    assert norms == pytest.approx([sum(norms) / len(norms)] * len(norms), rel=0.1)


def test_gradnorm_scaling_one_loss_is_undone_in_the_end():
    inverse = {}
    for factor in (1.0, 5.0):
        network = Line({"a": 2.0 * factor, "b": 2.0})
        balancer = balancing.GradNorm(alpha=0.0, learning_rate=0.01)
        balancer.prepare(["a", "b"])
        for _ in range(800):
            balancer.backward(line_losses(network, {"a": factor, "b": 1.0}), network)
        inverse[factor] = balancer.weights["b"] / balancer.weights["a"]
    assert inverse[5.0] == pytest.approx(5 * inverse[1.0], rel=0.1)


def test_gradnorm_against_autograd_on_a_real_network():
    """The paper's way: the gradient loss with second derivatives, on the weights as leaves."""
    alpha, network, data = 1.2, model(), split()
    balancer = balancing.GradNorm(alpha=alpha, learning_rate=0.025)
    balancer.prepare(NAMES)
    weights = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=0.025)
    descent = torch.optim.SGD(network.parameters(), lr=1e-3)
    first = None
    for _ in range(5):
        losses = losses_of(network, data)
        values = torch.stack(list(losses.values()))
        first = values.detach() if first is None else first
        layer = list(network.encoder.dense.parameters())
        norms = torch.stack(
            [
                torch.cat([g.flatten() for g in torch.autograd.grad(weights[i] * values[i], layer, create_graph=True)]).norm()
                for i in range(3)
            ]
        )
        ratios = values.detach() / first
        target = (norms.mean() * (ratios / ratios.mean()) ** alpha).detach()
        optimizer.zero_grad()
        weights.grad = torch.autograd.grad((norms - target).abs().sum(), weights)[0]
        used = dict(zip(NAMES, weights.tolist(), strict=True))
        optimizer.step()
        with torch.no_grad():
            weights.mul_(3 / weights.sum())
        descent.zero_grad()
        assert balancer.backward(losses_of(network, data), network) == pytest.approx(used, rel=1e-4)
        descent.step()
    assert list(balancer.weights.values()) == pytest.approx(weights.tolist(), rel=1e-4)


def test_gradnorm_weights_stay_positive_and_sum_to_the_number_of_tasks():
    _, history, balancer = trained(partial(balancing.GradNorm, alpha=3.0, learning_rate=0.5), steps=30)
    for step in history.steps:
        assert sum(step.weights.values()) == pytest.approx(3, rel=1e-5)
        assert all(weight > 0 for weight in step.weights.values())
    assert balancer.parameters() == []


def test_gradnorm_leaves_the_weight_of_an_absent_task_in_its_proportion():
    network, data = model(), split()
    balancer = balancing.GradNorm()
    balancer.prepare(NAMES)
    balancer.backward(losses_of(network, data), network)
    before = balancer.weights
    losses = losses_of(network, data)
    balancer.backward({"kind": losses["kind"]}, network)
    assert balancer.weights == before  # one task has nobody to be balanced with


def test_gradnorm_takes_the_last_part_that_all_tasks_share_or_the_one_that_is_named():
    network, data = model(), split()
    found = {}
    for layer in (None, "encoder.dense", "encoder.conv"):
        balancer = balancing.GradNorm(layer=layer)
        balancer.prepare(NAMES)
        found[layer] = balancer._norms(losses_of(network, data), network)
    assert found[None] == found["encoder.dense"] != found["encoder.conv"]


def test_gradnorm_bad_input_in_words():
    network, data = model(), split()
    balancer = balancing.GradNorm(layer="encoder.conv9")
    balancer.prepare(NAMES)
    with pytest.raises(ValueError, match=r"no layer 'encoder.conv9'; it has encoder, encoder.conv"):
        balancer.backward(losses_of(network, data), network)
    balancer = balancing.GradNorm(layer="encoder.conv.1")
    balancer.prepare(NAMES)
    with pytest.raises(ValueError, match="has no parameters that learn"):
        balancer.backward(losses_of(network, data), network)
    balancer = balancing.GradNorm()
    balancer.prepare(NAMES)
    with pytest.raises(ValueError, match=r"Linear does not say which that is: name it in `layer=`"):
        balancer.backward(losses_of(network, data), nn.Linear(1, 1))
    for arguments in ({"alpha": -1}, {"alpha": float("nan")}, {"learning_rate": 0.0}, {"learning_rate": float("inf")}):
        with pytest.raises(ValueError, match="GradNorm's"):
            balancing.GradNorm(**arguments)


def test_gradnorm_says_so_when_nothing_is_shared():
    class Apart(Line):
        def parts(self):
            return [Part("shared", ("a",), self.shared, 0)]

    network = Apart({"a": 1.0, "b": 1.0})
    balancer = balancing.GradNorm()
    balancer.prepare(["a", "b"])
    with pytest.raises(ValueError, match="no part of this Apart that learns is shared by all tasks"):
        balancer.backward(line_losses(network, {"a": 1.0, "b": 1.0}), network)
