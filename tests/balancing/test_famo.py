"""FAMO: by hand, against TorchJD, and by misuse."""

import pytest
import torch
from torchjd import scalarization
from weighting_problem import NAMES, backward, made_up, model, split, trained

from mtl_utils import balancing, training


def test_when_a_step_goes_astray_famo_leaves_the_words_to_the_training_loop():
    with pytest.raises(training.NonFiniteLossError, match=r"the loss of task .* became (nan|inf) in step 2"):
        trained(balancing.FAMO, optimizer=lambda groups: torch.optim.SGD(groups, lr=1e30))


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
