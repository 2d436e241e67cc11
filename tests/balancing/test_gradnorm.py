"""GradNorm: by hand, against autograd, and by misuse."""

from functools import partial

import pytest
import torch
from torch import nn
from weighting_problem import NAMES, backward_on, losses_of, model, split, trained

from mtl_utils import balancing
from mtl_utils.models import MultiTaskModel, Part


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
