"""What could go wrong in silence: nothing trains, an interruption leaves things half done, nobody looks at the last update."""

import signal
import threading

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader

from mtl_utils import models
from mtl_utils.balancing import GradNorm, WeightedSum
from mtl_utils.balancing.balancer import Balancer
from mtl_utils.datasets.dataset import Normalization
from mtl_utils.evaluation import evaluate
from mtl_utils.experiments import sweep_weights
from mtl_utils.penalties import L2
from mtl_utils.randomness import RandomState, seeded
from mtl_utils.tasks import regression
from mtl_utils.training import History, NonFiniteLossError, fit, train


def run(model, data, **arguments):
    return fit(model, data, **{"steps": 3, "batch_size": 32, "device": "cpu", "progress": False} | arguments)


def weights_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(one, other):
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


class Silent(Balancer):
    """Computes, but calls no backward."""

    def backward(self, losses, model):
        return dict.fromkeys(losses, 1.0)


ELSEWHERE = nn.Linear(2, 2)


def other_sgd(groups):
    return torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)


def other_schedule(optimizer):
    return StepLR(other_sgd([]), 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"schedule": lambda o: None}, r"must return a learning rate schedule .*not None \(is its `return` missing\?\)"),
        ({"schedule": lambda o: 3}, "must return a learning rate schedule"),
        ({"schedule": other_schedule}, "the schedule of another optimizer"),
        ({"optimizer": other_sgd}, "2 of the 2 parameters in the optimizer are not among this model's"),
        ({"balancer": Silent()}, "Silent left no gradient on any parameter in step 1"),
        ({"penalty": lambda model: ELSEWHERE.weight.square().sum()}, "those of another one, perhaps"),
        ({"balancer": GradNorm(layer="heads.right")}, "the loss of task 'left' does not depend on the layer 'heads.right'"),
    ],
)
def test_what_would_train_nothing_is_told_before_a_weight_changes(arguments, message, two_digits, shared):
    before = weights_of(shared)
    with pytest.raises(ValueError, match=message):
        run(shared, two_digits.train, **arguments)
    assert same(before, weights_of(shared))


def test_an_optimizer_that_serves_two_runs_keeps_its_rates(two_digits, encoder):
    model = models.cross_stitch(encoder, two_digits)
    made = []

    def once(groups):
        made.append(made[0] if made else torch.optim.SGD(groups, lr=0.1))
        return made[0]

    rates = []
    for _ in range(3):
        run(model, two_digits.train, steps=1, optimizer=once)
        rates.append([group["lr"] for group in made[0].param_groups])
    assert rates == [[0.1, 1.0]] * 3


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_training_where_there_are_no_gradients_is_told(mode, two_digits, shared):
    with mode(), pytest.raises(ValueError, match=rf"inside torch.{mode.__name__}\(\): train outside of it"):
        run(shared, two_digits)


def test_the_last_update_is_looked_at(two_digits, shared):
    history = History()
    with pytest.raises(NonFiniteLossError, match=r"weights became infinite or not a number in step 1"):
        run(
            shared,
            two_digits.train,
            steps=1,
            history=history,
            balancer=WeightedSum(dict.fromkeys(("left", "right"), 3e38)),
            optimizer=lambda groups: torch.optim.SGD(groups, lr=1e6),
        )
    assert "failed in step 1" in history.stopped


class Rings(WeightedSum):
    """Presses Ctrl-C in the middle of a step."""

    def __init__(self, *steps):
        super().__init__()
        self.number, self.steps = 0, steps

    def backward(self, losses, model):
        self.number += 1
        for _ in range(self.steps.count(self.number)):
            signal.raise_signal(signal.SIGINT)
        return super().backward(losses, model)


def test_ctrl_c_ends_a_training_after_the_current_step(two_digits, shared, encoder):
    handler, chance = signal.getsignal(signal.SIGINT), torch.get_rng_state()
    history = run(shared, two_digits.train, steps=10, balancer=Rings(3))
    assert history.stopped == "interrupted after step 3"
    assert len(history.steps) == 3
    straight = models.hard_sharing(encoder, two_digits)
    run(straight, two_digits.train, steps=3)
    assert same(weights_of(shared), weights_of(straight))
    assert signal.getsignal(signal.SIGINT) is handler
    assert torch.equal(torch.get_rng_state(), chance)
    assert torch.is_grad_enabled()


def test_a_second_ctrl_c_does_not_wait(two_digits, shared):
    history = run(shared, two_digits.train, steps=10, balancer=Rings(3, 3))
    assert history.stopped == "interrupted in step 3"
    assert len(history.steps) == 2


def test_a_handler_of_somebody_else_stays_in_force(two_digits, shared):
    rung = []
    before = signal.signal(signal.SIGINT, lambda *_: rung.append(1))
    try:
        history = run(shared, two_digits.train, steps=3, balancer=Rings(2))
    finally:
        signal.signal(signal.SIGINT, before)
    assert (rung, history.stopped) == ([1], "finished")


def test_a_sweep_that_is_interrupted_records_nothing(two_digits, encoder):
    def make(seed):
        return models.hard_sharing(encoder, two_digits, seed=seed)

    with pytest.raises(KeyboardInterrupt):
        sweep_weights(
            make, two_digits, [{"left": 1.0, "right": 1.0}], seeds=(0, 1), steps=4, batch_size=32, balancer=lambda _: Rings(2)
        )


class Interrupted(nn.Module):
    """Is interrupted while it is put into evaluation mode."""

    def train(self, mode=True):
        if not mode:
            raise KeyboardInterrupt
        return super().train(mode)


def test_modes_come_back_after_an_interruption_wherever_it_came(two_digits):
    model = models.hard_sharing(models.small_cnn, two_digits).train()
    model.encoder.append(Interrupted())
    with pytest.raises(KeyboardInterrupt):
        evaluate(model, two_digits.val)
    assert all(module.training for module in model.modules())


def test_a_generator_that_is_deleted_later_leaves_loaded_weights_alone(two_digits, shared, encoder):
    steps = train(shared, two_digits, steps=10, batch_size=32, validate_every=1, choose=lambda now, first, tasks: 0.0)
    next(steps), next(steps)
    loaded = models.hard_sharing(encoder, two_digits, seed=5).state_dict()
    shared.load_state_dict(loaded)
    del steps
    assert same(weights_of(shared), loaded)


def test_a_generator_that_is_deleted_gives_the_best_weights_to_a_model_that_nobody_touched(two_digits, shared):
    steps = train(shared, two_digits, steps=10, batch_size=32, validate_every=1, choose=lambda now, first, tasks: 0.0)
    next(steps)
    best = weights_of(shared)
    next(steps)
    assert not same(weights_of(shared), best)
    del steps
    assert same(weights_of(shared), best)


def test_the_seed_decides_the_order_of_a_data_loader(two_digits, encoder):
    def trained(seed):
        model = models.hard_sharing(encoder, two_digits)
        chance = torch.get_rng_state()
        run(model, DataLoader(two_digits.train, 32, shuffle=True), steps=12, seed=seed)
        assert torch.equal(torch.get_rng_state(), chance)
        return weights_of(model)

    first = trained(0)
    torch.rand(3)
    assert same(first, trained(0))
    assert not same(first, trained(1))


def test_random_states_in_threads_leave_each_other_alone():
    def draw(seed):
        state, drawn = RandomState(seed), []
        for _ in range(60):
            with state:
                drawn += [torch.rand(()).item(), torch.rand(()).item()]
            with seeded(seed):
                drawn.append(torch.rand(50, 50).sum().item())
        return drawn

    alone, chance, found = [draw(seed) for seed in range(4)], torch.get_rng_state(), {}
    threads = [threading.Thread(target=lambda seed=seed: found.__setitem__(seed, draw(seed))) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[seed] for seed in range(4)] == alone
    assert torch.equal(torch.get_rng_state(), chance)


def test_an_encoder_that_comes_twice_is_told(two_digits, encoder):
    one = encoder(two_digits.image_shape)
    with pytest.raises(ValueError, match=r"'encoder.conv of left' and 'encoder.conv of right' hold the same parameter"):
        models.separate_networks(lambda _: one, two_digits)
    with pytest.raises(ValueError, match=r"hold the same parameter.*must not return the same encoder twice"):
        models.mixture_of_experts(lambda _: one, two_digits)


def test_a_parameter_in_no_part_is_told(shared):
    class More(models.HardSharing):
        def __init__(self, encoder, heads):
            super().__init__(encoder, heads)
            self.more = nn.Parameter(torch.zeros(1))

    with pytest.raises(ValueError, match="no part of this More holds its parameter 'more': list it in"):
        More(shared.encoder, shared.heads)


def test_numbers_that_are_too_large_are_told(two_digits):
    with pytest.raises(ValueError, match=r"a target is too large for torch\.float32"):
        regression("a").check_targets(torch.full((2, 1), 1e300, dtype=torch.float64), count=2, image_size=(8, 8))
    with pytest.raises(ValueError, match="a normalization needs a finite mean and a standard deviation above zero"):
        two_digits.train.with_normalization(Normalization((0.0,), (float("inf"),)))


def test_a_penalty_of_the_library_needs_no_look(two_digits, shared):
    assert run(shared, two_digits.train, penalty=L2(0.1)).stopped == "finished"
