"""Gradient-level balancers: by hand for two tasks, and against TorchJD called directly."""

import math

import pytest
import torch
from gradients_as_given import ALL, FOUR, READY, every_method, update_of
from torchjd import aggregation

from mtl_utils import balancing

# For each aggregator of TorchJD, how it is made for a number of tasks.
TORCHJD = {
    "AlignedMTL": lambda n: aggregation.AlignedMTL(),
    "CAGrad": lambda n: aggregation.CAGrad(0.5),
    "ConFIG": lambda n: aggregation.ConFIG(),
    "Constant": lambda n: aggregation.Constant(torch.arange(1.0, n + 1)),
    "DualProj": lambda n: aggregation.DualProj(),
    "ExcessMTL": lambda n: aggregation.ExcessMTL(),
    "FairGrad": lambda n: aggregation.FairGrad(1.0),
    "GradDrop": lambda n: aggregation.GradDrop(),
    "GradVac": lambda n: aggregation.GradVac(),
    "IMTLG": lambda n: aggregation.IMTLG(),
    "Krum": lambda n: aggregation.Krum(1),
    "Mean": lambda n: aggregation.Mean(),
    "MGDA": lambda n: aggregation.MGDA(),
    "PCD": lambda n: aggregation.PCD(),
    "PCGrad": lambda n: aggregation.PCGrad(),
    "Random": lambda n: aggregation.Random(),
    "Sum": lambda n: aggregation.Sum(),
    "TrimmedMean": lambda n: aggregation.TrimmedMean(1),
    "UPGrad": lambda n: aggregation.UPGrad(),
}


@pytest.mark.parametrize("name", TORCHJD)
def test_any_aggregator_of_torchjd_gives_what_it_gives_when_called_directly(name):
    update, _ = update_of(balancing.Aggregation(TORCHJD[name]), FOUR, seed=3)
    torch.manual_seed(3)
    torch.testing.assert_close(update, TORCHJD[name](4)(FOUR))


def test_these_are_all_of_torchjds_aggregators():
    found = {
        name for name in aggregation.__all__
        if isinstance(each := getattr(aggregation, name), type) and issubclass(each, aggregation.Aggregator)
    }  # fmt: skip
    abstract = {"Aggregator", "WeightedAggregator", "GramianWeightedAggregator"}
    assert found - abstract - {"NashMTL"} == set(TORCHJD)  # for Nash-MTL see below: ours, without the solver ECOS


@pytest.mark.parametrize("name", READY)
@pytest.mark.parametrize("size", [1.0, 1e-4], ids=["long", "short"])
def test_the_ready_made_are_torchjds(name, size):
    make, original = READY[name]
    update, _ = update_of(make(), size * FOUR, seed=3)
    torch.manual_seed(3)
    # TorchJD's CAGrad and UPGrad take short gradients for zero, ours do not. FairGrad's update is no multiple of its gradients.
    expected = TORCHJD[original](4)(size * FOUR) if name == "FairGrad" else TORCHJD[original](4)(FOUR) * size
    torch.testing.assert_close(update, expected, rtol=1e-3, atol=1e-3 * size)


# g_a = (1, 0), g_b = (-1, 1): lengths 1 and √2, dot product -1, an angle of 135°.
BY_HAND = {
    # (1, 0) + (-1, 1)/2, and (-1, 1) + (1, 0).
    "PCGrad": (balancing.pcgrad, [0.5, 1.5]),
    "UPGrad": (balancing.upgrad, [0.25, 0.75]),
    # α_a = (g_b - g_a)·g_b / ‖g_a - g_b‖² = (2 + 1)/(1 + 2 + 2) = 3/5.
    "MGDA": (balancing.mgda, [0.6 - 0.4, 0.4]),
    # α_a = √2/(1 + √2).
    "IMTL-G": (balancing.imtl_g, [(math.sqrt(2) - 1) / (1 + math.sqrt(2)), 1 / (1 + math.sqrt(2))]),
    # Half the angle away from both, one long: the bisector of 0° and 135° stands at 67.5°.
    "Nash-MTL": (balancing.nash_mtl, [math.cos(math.radians(67.5)), math.sin(math.radians(67.5))]),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_two_tasks_by_hand(name):
    make, expected = BY_HAND[name]
    update, weights = update_of(make(), [[1.0, 0.0], [-1.0, 1.0]])
    torch.testing.assert_close(update, torch.tensor(expected), rtol=1e-3, atol=1e-3)
    told = torch.tensor([weights["a"], weights["b"]]) @ torch.tensor([[1.0, 0.0], [-1.0, 1.0]])
    torch.testing.assert_close(told, update)


@every_method
def test_gradients_alone_give_the_same_as_with_a_model(make):
    update, told = update_of(make(), FOUR)
    torch.manual_seed(0)
    balancer = make()
    alone, weights = balancer.aggregate(FOUR)
    torch.testing.assert_close(alone, update)
    torch.testing.assert_close(weights, torch.tensor(list(told.values())), equal_nan=True)
    assert balancer.aggregate(FOUR[:3])[1].shape == (3,)
    with pytest.raises(ValueError, match=r"a matrix \[tasks, parameters\], not \(9,\)"):
        balancer.aggregate(FOUR[0])


def test_cagrad_with_c_of_zero_is_the_mean_and_with_more_stays_within_its_ball():
    rows = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])
    mean = rows.mean(0)
    torch.testing.assert_close(update_of(balancing.cagrad(0.0), rows)[0], mean)
    for c in (0.3, 0.9):
        update, _ = update_of(balancing.cagrad(c), rows)
        assert (update - mean).norm().item() == pytest.approx(c * mean.norm().item(), rel=1e-3)
        # No other point of the ball serves the worst task better.
        angle = torch.linspace(0, 2 * math.pi, 1000)
        others = mean + c * mean.norm() * torch.stack([angle.cos(), angle.sin()], 1)
        assert (rows @ update).min() >= (others @ rows.T).min(1).values.max() - 1e-3


def test_a_method_can_be_made_again_once_it_has_been_used():
    # A module that is loaded late must not take the place of a function of the same name.
    for name in balancing.__all__:
        make = getattr(balancing, name)
        if make in ALL.values():
            make().prepare("ab")
            assert getattr(balancing, name) is make, name
