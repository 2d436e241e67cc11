"""The closed forms of two tasks are what the balancers give."""

import pytest
import torch
from gradients_as_given import pairs, update_of
from hypothesis import assume, given, settings

from mtl_utils import balancing
from mtl_utils.balancing import two_tasks

CLOSED = {
    "PCGrad": (two_tasks.two_task_pcgrad, balancing.pcgrad),
    "UPGrad": (two_tasks.two_task_upgrad, balancing.upgrad),
    "MGDA": (two_tasks.two_task_mgda, balancing.mgda),
    "CAGrad": (two_tasks.two_task_cagrad(0.5), balancing.cagrad),
    "CAGrad, c = 0": (two_tasks.two_task_cagrad(0.0), lambda: balancing.cagrad(0.0)),
    "CAGrad, c = 2": (two_tasks.two_task_cagrad(2.0), lambda: balancing.cagrad(2.0)),
    "Nash-MTL": (two_tasks.two_task_nash(), balancing.nash_mtl),
    "Nash-MTL, not shortened": (two_tasks.two_task_nash(0), lambda: balancing.nash_mtl(max_norm=0)),
    "IMTL-G": (two_tasks.two_task_imtl_g, balancing.imtl_g),
    "Aligned-MTL": (two_tasks.two_task_aligned, balancing.aligned_mtl),
}


@pytest.mark.parametrize("name", CLOSED)
@given(pairs)
@settings(max_examples=40, deadline=None)
def test_closed_forms_of_two_tasks_are_what_the_balancers_give(name, rows):
    first, second = torch.tensor(rows, dtype=torch.float64)
    assume(min(first.norm(), second.norm()) > 0.1)
    assume(abs(torch.cosine_similarity(first, second, 0)) < 0.99)
    closed, make = CLOSED[name]
    weights = closed(two_tasks.gramian(first, second))
    update, _ = update_of(make(), rows)
    expected = weights @ torch.stack([first, second])
    scale = float(first.norm() + second.norm())
    torch.testing.assert_close(update.double(), expected, rtol=0.01, atol=0.01 * scale)


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms_take_many_pairs_at_once_and_zero_gradients(name):
    closed, _ = CLOSED[name]
    some = torch.randn(2, 5, 7, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    some[0, 0], some[1, 1], some[:, 2], some[1, 3] = 0, 0, 0, some[0, 3]  # zero gradients, and equal ones
    together = closed(two_tasks.gramian(*some))
    assert together.shape == (5, 7, 2)
    assert torch.isfinite(together).all()
    torch.testing.assert_close(closed(two_tasks.gramian(some[0, 3, 2], some[1, 3, 2])), together[3, 2])
