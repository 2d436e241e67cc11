"""Twin columns: their limits, the penalty's formula, frozen columns, errors in words."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ways_of_sharing import (
    assert_same_outputs,
    images_for,
    outputs,
    small_cnn,
    stir,
)

from mtl_utils import models, penalties, training


class TestTwinColumns:
    def test_without_a_penalty_they_train_as_single_tasks_do(self):
        source = images_for(3, 4, count=32)
        twins = models.twin_columns(models.lenet, source)
        alone = {name: twins.alone(name) for name in twins.task_names}
        training.fit(twins, source, epochs=4, batch_size=16, penalty=penalties.DistancePenalty(0), progress=False, device="cpu")
        for name, network in alone.items():
            training.fit(network, source.for_tasks(name), epochs=4, batch_size=16, progress=False, device="cpu")
            torch.testing.assert_close(outputs(twins, source)[name], outputs(network, source)[name], atol=1e-4, rtol=1e-3)

    @pytest.mark.parametrize(
        "penalty", [penalties.DistancePenalty(math.inf), penalties.DecoupledDistancePenalty(math.inf, 0.1)]
    )
    @pytest.mark.parametrize("encoder", [models.lenet, small_cnn], ids=["lenet", "small_cnn"])
    @pytest.mark.parametrize("sizes", [(3, 4), (3, 4, 5)], ids=["two", "three"])
    def test_an_infinite_penalty_is_hard_sharing(self, penalty, encoder, sizes):
        source = images_for(*sizes, count=32)
        twins, hard = (way(encoder, source, seed=2) for way in (models.twin_columns, models.hard_sharing))
        # Plain SGD, since Adam would blow up rounding errors of tiny gradients to whole steps.
        arguments = {"epochs": 3, "batch_size": 16, "progress": False, "device": "cpu"}
        sgd = {"optimizer": lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9)}
        training.fit(twins, source, penalty=penalty, **arguments, **sgd)
        training.fit(hard, source, **arguments, **sgd)
        assert_same_outputs(outputs(twins, source), outputs(hard, source), atol=2e-3, rtol=1e-2)
        assert max(twins.distances().values()) == 0

    def test_under_adam_one_step_of_an_infinite_penalty_is_one_of_hard_sharing(self):
        source = images_for(3, 4, count=16)
        twins, hard = (way(models.lenet, source) for way in (models.twin_columns, models.hard_sharing))
        training.fit(twins, source, steps=1, batch_size=16, penalty=penalties.DistancePenalty(math.inf), progress=False)
        training.fit(hard, source, steps=1, batch_size=16, progress=False)
        assert_same_outputs(outputs(twins, source), outputs(hard, source), atol=1e-3, rtol=1e-2)

    @settings(max_examples=15, deadline=None)
    @given(strength=st.floats(0, 1e3), norm=st.sampled_from(["L1", "L2"]), sizes=st.sampled_from([(3, 4), (3, 4, 5)]))
    def test_the_penalty_is_its_formula(self, strength, norm, sizes):
        twins = stir(models.twin_columns(models.lenet, images_for(*sizes)))
        columns = [list(column.parameters()) for column in twins.columns.values()]
        total = 0.0
        for a in range(len(columns)):
            for b in range(a):
                for one, two in zip(columns[a], columns[b], strict=True):
                    far = (one - two).detach().double()
                    total += float(far.abs().sum() if norm == "L1" else far.square().sum() / 2)
        assert penalties.DistancePenalty(strength, norm)(twins).item() == pytest.approx(strength * total, rel=1e-4)

    @pytest.mark.parametrize("norm", ["L1", "L2"])
    def test_a_stronger_penalty_keeps_columns_closer(self, norm):
        source = images_for(3, 4, count=32)
        far = []
        for strength in (0.0, 0.01, 1.0):
            twins = models.twin_columns(models.lenet, source)
            penalty = penalties.DistancePenalty(strength, norm)
            training.fit(twins, source, epochs=5, batch_size=16, penalty=penalty, progress=False)
            far.append(sum(twins.distances(norm).values()))
        assert far[0] > far[1] > far[2] > 0

    def test_the_strength_acts_from_the_next_step(self):
        source = images_for(3, 4, count=32)
        twins, penalty = models.twin_columns(models.lenet, source), penalties.DistancePenalty(0)
        sgd = torch.optim.SGD
        run = training.train(twins, source, steps=6, batch_size=16, penalty=penalty, optimizer=lambda g: sgd(g, lr=0.1))
        for _ in range(3):
            next(run)
        assert sum(twins.distances().values()) > 0.01
        penalty.strength = math.inf
        next(run)
        assert max(twins.distances().values()) == 0
        penalty.strength = 0
        next(run)
        assert min(twins.distances().values()) > 0

    def test_the_decoupled_pull_is_the_exact_step(self):
        source = images_for(3, 4, 5)
        twins = stir(models.twin_columns(models.lenet, source))
        before = [[weight.detach().clone() for weight in column.parameters()] for column in twins.columns.values()]
        penalties.DecoupledDistancePenalty(2.0, 0.5)(twins)
        for number in range(len(before[0])):
            mean = torch.stack([column[number] for column in before]).mean(0)
            for column, old in zip(twins.columns.values(), before, strict=True):
                expected = mean + (old[number] - mean) / (1 + 0.5 * 2.0 * 3)
                torch.testing.assert_close(list(column.parameters())[number].detach(), expected)

    @pytest.mark.parametrize("penalty", [penalties.DistancePenalty(math.inf), penalties.DecoupledDistancePenalty(5.0, 0.1)])
    @pytest.mark.parametrize("frozen", [("first",), ("first", "third")])
    def test_a_frozen_column_stays_where_it_is(self, penalty, frozen):
        source = images_for(3, 4, 5, count=16)
        twins = stir(models.twin_columns(models.lenet, source))
        for name in frozen:
            twins.column(name).requires_grad_(False)
        before = {name: copy.deepcopy(twins.column(name).state_dict()) for name in twins.task_names}
        training.fit(twins, source, steps=2, batch_size=16, penalty=penalty, progress=False)
        for name in twins.task_names:
            same = [torch.equal(tensor, before[name][key]) for key, tensor in twins.column(name).state_dict().items()]
            assert all(same) if name in frozen else not any(same)

    def test_columns_are_pulled_to_the_frozen_ones(self):
        twins = stir(models.twin_columns(models.lenet, images_for(3, 4, 5)))
        frozen = [
            [weight.detach().clone() for weight in twins.column(name).requires_grad_(False).parameters()]
            for name in ("first", "third")
        ]
        penalties.DistancePenalty(math.inf)(twins)
        for number, weight in enumerate(twins.column("second").parameters()):
            torch.testing.assert_close(weight.detach(), (frozen[0][number] + frozen[1][number]) / 2)
            assert weight.grad is None

    @pytest.mark.parametrize("frozen", [["first"], ["first", "third"]])
    def test_the_decoupled_pull_is_the_exact_step_beside_frozen_columns(self, frozen):
        twins = stir(models.twin_columns(models.lenet, images_for(3, 4, 5)))
        for name in frozen:
            twins.column(name).requires_grad_(False)
        before = {name: twins.column(name).conv1[0].bias.detach().clone() for name in twins.task_names}
        penalties.DecoupledDistancePenalty(2.0, 0.5)(twins)
        after = {name: twins.column(name).conv1[0].bias.detach() for name in twins.task_names}
        # An implicit step of size 0.5 on half of 2 times the squared distances: θ' = θ − 0.5·2·Σ_j(θ' − θ'_j).
        for name in set(twins.task_names) - set(frozen):
            pull = sum(after[name] - other for other in after.values())
            torch.testing.assert_close(after[name], before[name] - 0.5 * 2.0 * pull)
        assert all(torch.equal(after[name], before[name]) for name in frozen)

    def test_distances_are_norms_of_differences_by_stage(self):
        twins = models.twin_columns(models.lenet, images_for(3, 4))
        with torch.no_grad():
            twins.column("second").conv1[0].weight.add_(0.5)
        count = twins.column("first").conv1[0].weight.numel()
        assert twins.distances("L1") == pytest.approx({"conv1": 0.5 * count, "conv2": 0, "dense": 0}, rel=1e-5)
        assert twins.distances() == pytest.approx({"conv1": 0.5 * count**0.5, "conv2": 0, "dense": 0}, rel=1e-5)

    def test_nothing_is_shared(self):
        twins = models.twin_columns(models.lenet, images_for(3, 4))
        assert twins.shared_parameters() == []

    @pytest.mark.parametrize("strength", [-1, math.nan, "much", True])
    def test_a_wrong_strength_is_refused(self, strength):
        with pytest.raises(ValueError, match="strength must be a number, zero or more"):
            penalties.DistancePenalty(strength)
        penalty = penalties.DistancePenalty(1)
        with pytest.raises(ValueError, match="strength must be a number, zero or more"):
            penalty.strength = strength
        assert penalty.strength == 1

    def test_other_misuse_is_refused_in_words(self):
        source = images_for(3, 4)
        with pytest.raises(ValueError, match="'L1' or 'L2', not 'L3'"):
            penalties.DistancePenalty(1, "L3")
        with pytest.raises(ValueError, match=r"one column per task.*not HardSharing"):
            penalties.DistancePenalty(1)(models.hard_sharing(models.lenet, source))
        with pytest.raises(ValueError, match="learning rate must be above zero"):
            penalties.DecoupledDistancePenalty(1, 0)
