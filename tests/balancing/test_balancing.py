"""Balancers that the course begins with, against values worked out by hand and against TorchJD."""

import math

import numpy as np
import pytest
import torch
from gradients_as_given import ALL
from torch import nn
from torchjd import aggregation, scalarization

from mtl_utils import balancing, models, training
from mtl_utils.analysis.gradient_cosine import gradient_cosine
from mtl_utils.models import MultiTaskModel, Part
from mtl_utils.tasks import classification, regression

BAD_WEIGHTS = [
    ({"left": -1, "right": 1}, "task 'left': a weight must be a finite number, zero or more, not -1"),
    ({"left": float("nan"), "right": 1}, "task 'left': a weight must be .* not nan"),
    ({"left": float("inf"), "right": 1}, "task 'left': a weight must be .* not inf"),
    ({"left": "1", "right": 1}, "task 'left': a weight must be .* not '1'"),
    ({"left": True, "right": 1}, "task 'left': a weight must be .* not True"),
    ({"left": 0, "right": 0}, "at least one weight must be above zero"),
    ([1, 2], "weights must be a dictionary"),
]


class Parabolas(MultiTaskModel):
    """Two shared parameters and a head parameter per task; losses whose gradients are easy to see."""

    def __init__(self):
        super().__init__(("a", "b"))
        self.shared, self.a, self.b = (nn.ParameterList([torch.zeros(n)]) for n in (2, 1, 1))

    def forward(self, images):
        return {"a": self.shared[0] @ torch.tensor([1.0, 0.0]) + 3 * self.a[0], "b": self.shared[0] @ torch.tensor([-1.0, 1.0])}

    def parts(self):
        return [Part("shared", ("a", "b"), self.shared, 0), Part("a", ("a",), self.a, 1), Part("b", ("b",), self.b, 1)]

    def losses(self):
        return {name: output.sum() for name, output in self(None).items()}


def gradients(model):
    return [None if p.grad is None else p.grad.clone() for p in model.parameters()]


def test_a_weighted_sum_by_hand():
    model, balancer = Parabolas(), balancing.WeightedSum({"a": 2, "b": 0.5})
    balancer.prepare(["a", "b"])
    assert balancer.backward(model.losses(), model) == {"a": 2.0, "b": 0.5}
    assert model.shared[0].grad.tolist() == [2 * 1 + 0.5 * -1, 0.5]
    assert model.a[0].grad.tolist() == [6.0]


@pytest.mark.parametrize(("kind", "weight"), [("sum", 1.0), ("mean", 0.25)])
def test_sum_and_mean_differ_by_the_number_of_tasks(kind, weight):
    balancer = balancing.WeightedSum(kind)
    balancer.prepare(["a", "b", "c", "d"])
    assert set(balancer.weights.values()) == {weight}


def test_changed_weights_act_on_the_very_next_step(two_digits, shared):
    balancer = balancing.WeightedSum()
    right = shared.heads["right"].weight
    run = training.train(shared, two_digits, steps=4, batch_size=32, balancer=balancer)
    assert next(run).weights == {"left": 1.0, "right": 1.0}
    balancer.weights = {"left": 1.0, "right": 0.0}
    right.grad = None
    assert next(run).weights == {"left": 1.0, "right": 0.0}
    assert not right.grad.any()
    balancer.weights = {"left": 0.5, "right": np.float32(2)}
    assert next(run).weights == {"left": 0.5, "right": 2.0}
    assert right.grad.any()


def test_weights_assigned_before_a_run_are_used_by_it(two_digits, shared):
    balancer = balancing.WeightedSum()
    balancer.weights = {"left": 0.1, "right": 0.9}
    history = training.fit(shared, two_digits, steps=1, balancer=balancer, progress=False)
    assert history.steps[0].weights == {"left": 0.1, "right": 0.9}


@pytest.mark.parametrize(("weights", "message"), BAD_WEIGHTS)
def test_bad_weights_are_told_and_change_nothing(weights, message):
    with pytest.raises(ValueError, match=message):
        balancing.WeightedSum(weights)
    balancer = balancing.WeightedSum({"left": 0.25, "right": 0.75})
    balancer.prepare(["left", "right"])
    with pytest.raises(ValueError, match=message):
        balancer.weights = weights
    assert balancer.weights == {"left": 0.25, "right": 0.75}


def test_weights_of_other_tasks_are_told():
    with pytest.raises(ValueError, match=r"weights must be 'sum', 'mean' or a weight for each task, not 'equal'"):
        balancing.WeightedSum("equal")
    with pytest.raises(ValueError, match=r"no weight for task 'right'; there are weights for \['left'\]"):
        balancing.WeightedSum({"left": 1}).prepare(["left", "right"])
    with pytest.raises(ValueError, match=r"a weight for 'up', but no task of that name"):
        balancing.WeightedSum({"left": 1, "up": 1}).prepare(["left"])


def test_uncertainty_weighting_by_hand():
    tasks = [classification("a", 2), regression("b")]
    balancer, model = balancing.UncertaintyWeighting(tasks), Parabolas()
    with torch.no_grad():
        model.shared[0].copy_(torch.tensor([3.0, 5.0]))
    balancer.prepare(["a", "b"])
    (s,) = balancer.parameters()
    with torch.no_grad():
        s.copy_(torch.tensor([0.5, -1.0]))
    losses = model.losses()
    assert {name: loss.item() for name, loss in losses.items()} == {"a": 3.0, "b": 2.0}
    weights = balancer.backward(losses, model)
    assert weights == pytest.approx({"a": math.exp(-0.5), "b": 0.5 * math.exp(1)})
    assert s.grad.tolist() == pytest.approx([-math.exp(-0.5) * 3 + 0.5, -0.5 * math.exp(1) * 2 + 0.5])
    assert model.shared[0].grad.tolist() == pytest.approx([math.exp(-0.5) - 0.5 * math.exp(1), 0.5 * math.exp(1)])
    assert balancer.log_variances == pytest.approx({"a": 0.5, "b": -1.0})


def test_with_regressions_only_uncertainty_weighting_is_torchjds():
    ours = balancing.UncertaintyWeighting([regression("a"), regression("b")])
    theirs, one, two = balancing.Scalarization(scalarization.UW), Parabolas(), Parabolas()
    for balancer in (ours, theirs):
        balancer.prepare(["a", "b"])
        with torch.no_grad():
            balancer.parameters()[0].copy_(torch.tensor([0.7, -0.3]))
    for model in (one, two):
        with torch.no_grad():
            model.shared[0].copy_(torch.tensor([3.0, 5.0]))
    assert ours.backward(one.losses(), one) == pytest.approx(theirs.backward(two.losses(), two))
    torch.testing.assert_close(gradients(one)[:2], gradients(two)[:2])
    torch.testing.assert_close(ours.parameters()[0].grad, theirs.parameters()[0].grad)


def test_learned_uncertainty_is_trained_without_weight_decay(two_digits, shared):
    balancer, seen = balancing.UncertaintyWeighting(two_digits.tasks), []

    def optimizer(groups):
        seen.append(torch.optim.AdamW(groups, weight_decay=0.5))
        return seen[0]

    training.fit(shared, two_digits, steps=3, balancer=balancer, optimizer=optimizer, progress=False)
    assert seen[0].param_groups[-1]["weight_decay"] == 0
    assert seen[0].param_groups[-1]["params"][0] is balancer.parameters()[0]
    assert all(value != 0 for value in balancer.log_variances.values())


def test_a_task_that_uncertainty_weighting_was_not_made_for_is_told():
    with pytest.raises(ValueError, match=r"made for the tasks \['a'\], not for 'b'"):
        balancing.UncertaintyWeighting([regression("a")]).prepare(["a", "b"])


def test_pcgrad_by_hand():
    # g_a = (1, 0), g_b = (-1, 1): their product is -1. a projected: (1, 0) + (-1, 1)/2; b projected: (-1, 1) + (1, 0).
    model, balancer = Parabolas(), balancing.pcgrad()
    balancer.prepare(["a", "b"])
    jacobian, _ = balancing.task_gradients(model.losses(), model)
    assert jacobian.tolist() == [[1.0, 0.0], [-1.0, 1.0]]
    assert gradient_cosine(jacobian)[0, 1].item() == pytest.approx(-1 / math.sqrt(2))
    model.zero_grad()
    balancer.backward(model.losses(), model)
    torch.testing.assert_close(model.shared[0].grad, torch.tensor([0.5, 1.5]))
    assert model.a[0].grad.tolist() == [3.0]
    assert model.b[0].grad is None


@pytest.mark.parametrize("make", [aggregation.PCGrad, aggregation.MGDA, aggregation.Mean])
def test_aggregation_is_torchjds(make, two_digits, encoder):
    from torchjd.autojac import jac_to_grad, mtl_backward

    ours, theirs = (models.hard_sharing(encoder, two_digits) for _ in range(2))
    images, targets = next(two_digits.train.batches(64))
    balancer = balancing.Aggregation(lambda count: make())
    balancer.prepare(["left", "right"])
    torch.manual_seed(0)
    balancer.backward({task.name: task.loss(ours(images)[task.name], targets[task.name]) for task in two_digits.tasks}, ours)
    features = theirs.encode(images)
    outputs = theirs.decode(features)
    mtl_backward([task.loss(outputs[task.name], targets[task.name]) for task in two_digits.tasks], features)
    torch.manual_seed(0)
    jac_to_grad(theirs.shared_parameters(), make())
    for one, two in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad, atol=1e-5, rtol=1e-4)


def test_gradients_that_are_there_already_are_added_to():
    model, balancer = Parabolas(), balancing.pcgrad()
    balancer.prepare(["a", "b"])
    for _ in range(2):
        balancer.backward(model.losses(), model)
    torch.testing.assert_close(model.shared[0].grad, torch.tensor([1.0, 3.0]))
    assert model.a[0].grad.tolist() == [6.0]


BALANCERS = {
    "weighted sum": lambda tasks: balancing.WeightedSum(),
    "uncertainty weighting": balancing.UncertaintyWeighting,
    "TorchJD's UW": lambda tasks: balancing.Scalarization(scalarization.UW),
    **{name: lambda tasks, make=make: make() for name, make in ALL.items()},
}
every_balancer = pytest.mark.parametrize("make", BALANCERS.values(), ids=BALANCERS.keys())


@every_balancer
def test_a_task_that_is_missing_in_a_batch_gets_no_gradient_and_no_weight(make, two_digits, shared):
    balancer = make(two_digits.tasks)
    balancer.prepare(["left", "right"])
    images, targets = next(two_digits.train.batches(16))
    left = two_digits.tasks[0].loss(shared(images)["left"], targets["left"])
    weights = balancer.backward({"left": left}, shared)
    assert list(weights) == ["left"]
    assert shared.heads["right"].weight.grad is None
    assert all(parameter.grad is not None for parameter in shared.encoder.parameters())


@pytest.mark.parametrize("make", [make for name, make in BALANCERS.items() if name not in ALL])
def test_one_task_alone_trains(make, two_digits, encoder):
    model = models.single_task(encoder, two_digits, "left")
    start = model.heads["left"].weight.clone()
    data = two_digits.for_tasks("left")
    history = training.fit(model, data, steps=3, balancer=make(data.tasks), progress=False)
    assert len(history.steps) == 3
    assert not torch.equal(model.heads["left"].weight, start)


@every_balancer
def test_frozen_parts_stay_as_they_are_and_the_others_learn(make, two_digits, shared):
    shared.encoder.conv.requires_grad_(False)
    shared.heads["right"].requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in shared.state_dict().items()}
    training.fit(shared, two_digits, steps=2, balancer=make(two_digits.tasks), progress=False)
    for name, tensor in shared.state_dict().items():
        frozen = name.startswith(("encoder.conv", "heads.right"))
        assert torch.equal(tensor, before[name]) == frozen, name


def test_a_model_that_does_not_say_what_is_shared_is_told(two_digits):
    class Plain(nn.Linear):
        def forward(self, images):
            output = super().forward(images.flatten(1))
            return {"left": output, "right": output}

    with pytest.raises(ValueError, match=r"PCGrad works on the shared parameters, and Plain does not say which they are"):
        training.fit(Plain(784, 10), two_digits, steps=1, balancer=balancing.pcgrad(), progress=False)
