"""MMoE, CGC and PLE: what they are at their limits, gates and their balance, errors in words."""

import pytest
import torch
from ways_of_sharing import (
    assert_same_outputs,
    batch_of,
    images_for,
    outputs,
    stir,
)

from mtl_utils import models, penalties, training


class TestExperts:
    @pytest.mark.parametrize(
        "way",
        [
            lambda *a, **n: models.mixture_of_experts(*a, experts=1, **n),
            lambda *a, **n: models.customized_gate_control(*a, own=0, shared=1, **n),
            lambda *a, **n: models.progressive_layered_extraction(*a, own=0, shared=1, **n),
        ],
    )
    def test_one_expert_is_hard_sharing(self, way):
        source = images_for(3, 4, count=32)
        model, hard = way(models.lenet, source, seed=4), models.hard_sharing(models.lenet, source, seed=4)
        assert_same_outputs(outputs(model, source), outputs(hard, source))
        for each in (model, hard):
            training.fit(each, source, epochs=3, batch_size=16, progress=False)
        assert_same_outputs(outputs(model, source), outputs(hard, source), atol=1e-4, rtol=1e-3)

    def test_own_experts_alone_share_nothing(self):
        source = images_for(3, 4, 5)
        assert models.customized_gate_control(models.lenet, source, own=2, shared=0).shared_parameters() == []

    def test_shared_experts_alone_are_a_mixture_of_experts(self):
        source = images_for(3, 4)
        mixture = models.mixture_of_experts(models.lenet, source, experts=3, seed=1)
        shared = models.customized_gate_control(models.lenet, source, own=0, shared=3, seed=1)
        assert_same_outputs(outputs(mixture, source), outputs(shared, source))

    @pytest.mark.parametrize("way", [models.mixture_of_experts, models.customized_gate_control])
    def test_gates_are_even_at_the_start_and_add_up_to_one(self, way):
        source = images_for(3, 4)
        model = way(models.lenet, source)
        images = batch_of(source)[0]
        for name, weights in model.gate_weights(images).items():
            torch.testing.assert_close(weights, torch.full_like(weights, 1 / len(model.expert_names(name))))
        for weights in stir(model).gate_weights(images).values():
            torch.testing.assert_close(weights.sum(1), torch.ones(len(images)))
            assert weights.std(0).max() > 0  # a gate looks at the image

    def test_an_expert_that_a_gate_chooses_alone_answers_alone(self):
        source = images_for(3, 4)
        model = stir(models.mixture_of_experts(models.lenet, source, experts=3))
        with torch.no_grad():
            model.gates["first"].linear.weight.zero_()
            model.gates["first"].linear.bias.copy_(torch.tensor([-1e4, 1e4, -1e4]))
            expected = model.heads["first"](model.experts[1](batch_of(source)[0]))
        torch.testing.assert_close(outputs(model, source)["first"], expected)

    def test_dropout_of_experts_leaves_some_out_but_never_all(self):
        gate = models.Gate((1, 28, 28), 2, dropout=0.5)
        images = torch.randn(2000, 1, 28, 28)
        weights = gate.train()(images)
        torch.testing.assert_close(weights.sum(1), torch.ones(2000))
        left_out = (weights == 0).float().mean()
        assert 0.2 < left_out < 0.3  # each half of the time, but not both: (1/4 + 1/4) / 2
        assert (gate.eval()(images) > 0).all()

    def test_balance_is_zero_for_even_use_and_largest_for_one_expert(self):
        source = images_for(3, 4)
        model = models.mixture_of_experts(models.lenet, source, experts=3)
        penalty = penalties.GateBalance(2.0, batch_of(source)[0])
        assert penalty(model).item() == pytest.approx(0, abs=1e-6)
        with torch.no_grad():
            for number, gate in enumerate(model.gates.values()):
                gate.linear.bias[number] = 100.0
        assert penalty(model).item() == pytest.approx(2 * (3 * (0.25 + 0.25) - 1))  # each gate collapsed, on another expert
        with torch.no_grad():
            model.gates["second"].linear.bias.copy_(model.gates["first"].linear.bias)
        assert penalty(model).item() == pytest.approx(2 * (3 - 1))
        with pytest.raises(ValueError, match="not in a HardSharing"):
            penalty(models.hard_sharing(models.lenet, source))
        with pytest.raises(ValueError, match="zero or more and finite"):
            penalties.GateBalance(-1, batch_of(source)[0])

    def test_balance_brings_forgotten_experts_back(self):
        source = images_for(3, 4, count=32)
        model = models.mixture_of_experts(models.lenet, source)
        with torch.no_grad():
            for gate in model.gates.values():
                gate.linear.bias[0] = 5.0
        images = batch_of(source)[0]
        penalty = penalties.GateBalance(1.0, images)
        before = float(torch.stack(list(model.gate_weights(images).values())).detach().mean((0, 1)).min())
        training.fit(model, source, steps=60, batch_size=32, penalty=penalty, optimizer=training.adam(0.02), progress=False)
        after = float(torch.stack(list(model.gate_weights(images).values())).detach().mean((0, 1)).min())
        assert before < 0.01
        assert after > 0.2

    @pytest.mark.parametrize("levels", [1, 2, 3])
    def test_levels_divide_the_stages_among_them(self, levels):
        model = models.progressive_layered_extraction(models.lenet, images_for(3, 4), levels=levels)
        runs = [[name for name, _ in level.shared[0].named_children()] for level in model.levels]
        assert (
            runs
            == {
                1: [["conv1", "conv2", "dense"]],
                2: [["conv1", "conv2"], ["dense"]],
                3: [["conv1"], ["conv2"], ["dense"]],
            }[levels]
        )
        assert [level.shared_gate is None for level in model.levels] == [False] * (levels - 1) + [True]

    def test_misuse_is_refused_in_words(self):
        source = images_for(3, 4)
        for wrong in (0, 1.5, True):
            with pytest.raises(ValueError, match="number of experts must be a whole number above zero"):
                models.mixture_of_experts(models.lenet, source, experts=wrong)
        with pytest.raises(ValueError, match="own experts must be a whole number, zero or more, not -1"):
            models.customized_gate_control(models.lenet, source, own=-1)
        with pytest.raises(ValueError, match="at least one expert: own and shared are both zero"):
            models.customized_gate_control(models.lenet, source, own=0, shared=0)
        with pytest.raises(ValueError, match="3 stages makes 1 to 3 levels, not 4"):
            models.progressive_layered_extraction(models.lenet, source, levels=4)
        with pytest.raises(ValueError, match="give at least one shared expert"):
            models.progressive_layered_extraction(models.lenet, source, shared=0)
        with pytest.raises(ValueError, match="leaving an expert out must be from 0 to below 1"):
            models.mixture_of_experts(models.lenet, source, gate_dropout=1.0)
