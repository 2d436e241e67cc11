"""The training loop: the same numbers as by hand, the same seed the same run, any data, any schedule."""

import itertools

import pytest
import torch
from short_runs import run, same, sgd, weights_of
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader

from mtl_utils import balancing, datasets, models, randomness
from mtl_utils.penalties.l1_l2 import L2
from mtl_utils.training import fit, train


def test_a_loop_by_hand_gives_the_same_numbers(two_digits, encoder):
    by_hand, fitted = (models.hard_sharing(encoder, two_digits).to(memory_format=torch.channels_last) for _ in range(2))
    optimizer, order = sgd(by_hand.parameters()), randomness.generator(7)
    losses = []
    for _ in range(2):
        for images, targets in two_digits.train.batches(32, shuffle=order):
            outputs = by_hand(images)
            each = {task.name: task.loss(outputs[task.name], targets[task.name]) for task in two_digits.tasks}
            optimizer.zero_grad()
            (each["left"] + each["right"]).backward()
            optimizer.step()
            losses.append({name: loss.item() for name, loss in each.items()})
    history = run(fitted, two_digits.train, epochs=2, optimizer=sgd, seed=7)
    assert [step.losses for step in history.steps] == losses
    assert same(weights_of(fitted), weights_of(by_hand))


@pytest.mark.parametrize("balancer", [balancing.WeightedSum, balancing.pcgrad, balancing.RandomWeighting])
def test_the_same_seed_gives_the_same_run_to_the_bit_and_another_seed_does_not(two_digits, encoder, balancer):
    class Noisy(models.HardSharing):
        def encode(self, images):
            return nn.functional.dropout(super().encode(images), 0.3, self.training)

    def trained(seed):
        built = models.hard_sharing(encoder, two_digits)
        model = Noisy(built.encoder, built.heads)
        return run(model, two_digits, steps=6, seed=seed, balancer=balancer()), weights_of(model)

    before = torch.get_rng_state()
    (first, one), (again, two), (_, other) = trained(1), trained(1), trained(2)
    assert torch.equal(torch.get_rng_state(), before)
    assert [step.losses for step in first.steps] == [step.losses for step in again.steps]
    assert same(one, two)
    assert not same(one, other)


def test_two_runs_that_take_turns_are_as_if_alone(two_digits, encoder):
    def trained(turns):
        made = [models.hard_sharing(encoder, two_digits) for _ in range(turns)]
        runs = [train(model, two_digits.train, steps=4, batch_size=32, balancer=balancing.RandomWeighting()) for model in made]
        for _ in zip(*runs, strict=True):
            torch.rand(3)  # somebody else's chance, in between
        return weights_of(made[-1])

    assert same(trained(1), trained(2))


def test_epochs_and_steps_count_the_same_updates(two_digits, encoder):
    by_epochs, by_steps = (models.hard_sharing(encoder, two_digits) for _ in range(2))
    first, second = run(by_epochs, two_digits, epochs=2), run(by_steps, two_digits, steps=20)
    assert [step.epoch for step in first.steps] == [1] * 10 + [2] * 10
    assert [step.number for step in first.validations] == [step.number for step in second.validations] == [10, 20]
    assert same(weights_of(by_epochs), weights_of(by_steps))
    assert first.stopped == "finished"


def test_a_schedule_advances_with_every_update(two_digits, shared):
    made, rates = [], []

    def optimizer(groups):
        made.append(sgd(groups))
        return made[0]

    for _ in train(shared, two_digits, steps=4, optimizer=optimizer, schedule=lambda o: StepLR(o, 2, gamma=0.1)):
        rates.append(made[0].param_groups[0]["lr"])
    assert rates == pytest.approx([0.1, 0.01, 0.01, 0.001])


def test_a_penalty_is_added_to_what_is_descended(two_digits, encoder):
    plain, decayed = (models.hard_sharing(encoder, two_digits) for _ in range(2))
    run(plain, two_digits.train, steps=1, optimizer=lambda groups: torch.optim.SGD(groups, lr=0.1))
    start = models.hard_sharing(encoder, two_digits).state_dict()
    run(decayed, two_digits.train, steps=1, optimizer=lambda groups: torch.optim.SGD(groups, lr=0.1), penalty=L2(0.5))
    name = "heads.left.weight"
    torch.testing.assert_close(plain.state_dict()[name] - decayed.state_dict()[name], 0.1 * 0.5 * start[name])


@pytest.mark.parametrize("as_loader", [True, False])
def test_any_batches_can_be_trained_on(two_digits, encoder, as_loader):
    ours, theirs = (models.hard_sharing(encoder, two_digits) for _ in range(2))
    batches = DataLoader(two_digits.train, batch_size=32) if as_loader else list(two_digits.train.batches(32))
    more = {} if as_loader else {"tasks": two_digits.tasks}
    val = DataLoader(two_digits.val, batch_size=40)
    later_is_better = itertools.count()
    history = run(ours, batches, epochs=2, val=val, optimizer=sgd, choose=lambda *_: next(later_is_better), **more)
    optimizer = sgd(theirs.parameters())
    for images, targets in [*two_digits.train.batches(32)] * 2:
        optimizer.zero_grad()
        outputs = theirs(images)
        sum(task.loss(outputs[task.name], targets[task.name]) for task in two_digits.tasks).backward()
        optimizer.step()
    assert len(history.steps) == 20
    assert len(history.validations) == 2
    for one, two in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-3)


def test_a_plain_module_trains_too(two_digits):
    class Plain(nn.Linear):
        def forward(self, images):
            return dict.fromkeys(("left", "right"), super().forward(images.flatten(1)))

    history = run(Plain(784, 10), two_digits, epochs=1)
    assert history.best.metrics["left"] == history.validations[0].validation.metrics["left"]


def test_a_part_in_evaluation_mode_stays_so_while_the_rest_trains(two_digits):
    model = models.hard_sharing(models.small_cnn, two_digits).train()
    model.encoder.eval().requires_grad_(False)
    before = weights_of(model.encoder)
    for step in train(model, two_digits, steps=4, batch_size=32, validate_every=1):
        assert (model.training, model.encoder.training) == (True, False), step
    assert same(weights_of(model.encoder), before)


def test_a_model_in_evaluation_mode_is_trained_as_a_whole(two_digits):
    model = models.hard_sharing(models.small_cnn, two_digits).eval()
    before = weights_of(model.encoder)
    for step in train(model, two_digits, steps=2, batch_size=32):
        assert all(module.training for module in model.modules()), step
    assert not same(weights_of(model.encoder), before)


def test_the_progress_bar_stays_out_of_the_way(two_digits, shared, capfd):
    fit(shared, two_digits.train, epochs=1)  # without a validation, whose metrics take seconds to import
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("as_data_set", [True, False])
def test_the_progress_bar_counts_the_updates_that_there_will_be(digits, encoder, monkeypatch, as_data_set):
    import tqdm.auto

    totals = []

    class Bar(tqdm.auto.tqdm):
        def __init__(self, *arguments, **named):
            totals.append(named["total"])
            super().__init__(*arguments, **named)

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    few = datasets.with_few_labels(digits.train, "digit", 17)
    source = digits.with_train(few) if as_data_set else few
    model = models.single_task(encoder, digits, "digit")
    history = fit(model, source, epochs=3, batch_size=8, tasks=digits.tasks[:1])
    assert totals == [len(history.steps)] == [6]
