"""Frozen encoders and adapters under balancers of gradients: what is shared but frozen has none, and stays as it is."""

from __future__ import annotations

import pytest
import torch

from mtl_utils import analysis, datasets, fit
from mtl_utils.balancing import GradNorm, WeightedSum, pcgrad, upgrad
from mtl_utils.models import FrozenEncoder, TaskAdapters, hard_sharing, small_cnn

MAKERS = {"frozen": FrozenEncoder, "adapters": TaskAdapters}
BALANCERS = {"GradNorm": GradNorm, "UPGrad": upgrad, "PCGrad": pcgrad}


@pytest.fixture(scope="module")
def pairs():
    return datasets.multi_mnist(64, 32, 32)


@pytest.fixture(params=MAKERS)
def model(request, pairs):
    return MAKERS[request.param](hard_sharing(small_cnn, pairs))


def test_what_is_frozen_is_shared_all_the_same(model):
    shared = model.shared_parameters()
    assert {id(each) for each in shared} == {id(each) for each in model.encoder.parameters()}
    assert not any(each.requires_grad for each in shared)


@pytest.mark.parametrize("balancer", BALANCERS)
def test_there_is_nothing_to_balance_and_that_is_said(model, pairs, balancer):
    words = "that learns is shared by all tasks|has none that learn"
    with pytest.raises(ValueError, match=words):
        fit(model, pairs, steps=2, balancer=BALANCERS[balancer](), progress=False)
    assert analysis.measure_pull(model, pairs.train.batch(slice(0, 16)), pairs.tasks).norms == {}
    with pytest.raises(ValueError, match="shares nothing that learns"):
        batches = [pairs.train.batch(slice(start, start + 16)) for start in (0, 16)]
        analysis.measure_conflict(model, *batches, pairs.tasks)


@pytest.mark.parametrize("balancer", BALANCERS)
def test_stages_that_still_learn_are_balanced_and_frozen_ones_stay(model, pairs, balancer):
    last = [each for each in model.encoder.children() if list(each.parameters())][-1]
    last.requires_grad_(True)
    before = {name: each.clone() for name, each in model.encoder.named_parameters()}
    fit(model, pairs, steps=3, balancer=BALANCERS[balancer](), progress=False)
    learned = {id(each) for each in last.parameters()}
    for name, each in model.encoder.named_parameters():
        assert torch.equal(each, before[name]) != (id(each) in learned), name
        assert (each.grad is None) or id(each) in learned


def test_a_weighted_sum_trains_the_rest(model, pairs):
    before = [each.clone() for each in model.parameters()]
    fit(model, pairs, steps=2, balancer=WeightedSum(), progress=False)
    changed = [not torch.equal(one, two) for one, two in zip(before, model.parameters(), strict=True)]
    assert any(changed) and changed == [
        each.requires_grad and moved for each, moved in zip(model.parameters(), changed, strict=True)
    ]
