"""What holds for methods that combine gradients: order, scale, equal, zero and collinear gradients, no conflict."""

import math

import pytest
import torch
from gradients_as_given import ALL, FOUR, every_method, pairs, update_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mtl_utils import balancing
from mtl_utils.balancing.nash import NashBargaining, nash_weights


@given(pairs)
@settings(max_examples=60, deadline=None)
def test_without_conflict_pcgrad_is_the_sum(rows):
    first, second = torch.tensor(rows)
    assume(first @ second > 1e-3)
    torch.testing.assert_close(update_of(balancing.pcgrad(), rows)[0], first + second)


@every_method
def test_equal_gradients_leave_their_direction(make):
    row = [3.0, -4.0]
    update, _ = update_of(make(), [row, row, row])
    assert torch.cosine_similarity(update, torch.tensor(row), 0) == pytest.approx(1, abs=1e-4)


@every_method
def test_a_zero_gradient_does_no_harm(make):
    update, _ = update_of(make(), [[1.0, 2.0], [0.0, 0.0], [2.0, 1.0]])
    assert torch.isfinite(update).all()


@every_method
def test_three_tasks_on_one_line(make):
    update, _ = update_of(make(), [[1.0, 2.0], [-2.0, -4.0], [3.0, 6.0]])
    assert torch.isfinite(update).all()
    if make is not balancing.graddrop:  # which decides in each coordinate by itself
        assert abs(2 * update[0] - update[1]) < 1e-3  # the update stays on the line


def test_pcgrad_of_three_tasks_on_one_line_by_hand():
    # Projected against an opposite gradient, or one that was itself against it, nothing is left of any.
    update, _ = update_of(balancing.pcgrad(), [[1.0, 2.0], [-2.0, -4.0], [3.0, 6.0]])
    torch.testing.assert_close(update, torch.zeros(2), atol=1e-6, rtol=0)


ORDERLY = [name for name in ALL if name not in ("PCGrad", "GradVac", "GradDrop")]  # these look at the tasks in random order


@pytest.mark.parametrize("name", ORDERLY)
def test_the_order_of_the_tasks_does_not_matter(name):
    order = [2, 0, 3, 1]
    update, weights = update_of(ALL[name](), FOUR)
    permuted, permuted_weights = update_of(ALL[name](), FOUR[order])
    torch.testing.assert_close(update, permuted, atol=2e-3, rtol=2e-3)
    if not math.isnan(weights["a"]):
        assert permuted_weights["b"] == pytest.approx(weights["a"], abs=5e-3)


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("Nash-MTL", "FairGrad")])
def test_a_common_factor_scales_the_update(name):
    update, _ = update_of(ALL[name](), FOUR)
    longer, _ = update_of(ALL[name](), 100 * FOUR)
    torch.testing.assert_close(longer, 100 * update, atol=0.2, rtol=1e-2)


@pytest.mark.parametrize("name", ["Nash-MTL", "FairGrad", "IMTL-G"])
def test_the_direction_of_impartial_methods_does_not_depend_on_one_tasks_length(name):
    one, _ = update_of(ALL[name](), FOUR)
    other, _ = update_of(ALL[name](), FOUR * torch.tensor([[10.0], [1.0], [1.0], [1.0]]))
    assert torch.cosine_similarity(one, other, 0) == pytest.approx(1, abs=1e-2)


@given(st.integers(2, 8), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_upgrad_conflicts_with_no_task_and_mgda_neither(count, seed):
    rows = torch.randn(count, 12, generator=torch.Generator().manual_seed(seed))
    for make in (balancing.upgrad, lambda: balancing.mgda(max_iters=1000, epsilon=1e-6)):
        update, _ = update_of(make(), rows)
        assert (rows @ update).min() > -0.05 * update.norm() * rows.norm(dim=1).max()


@pytest.mark.parametrize("factor", [1.0, 100.0, 1e4])
def test_upgrad_of_two_tasks_is_half_of_pcgrad_however_much_longer_one_gradient_is(factor):
    # g_a = (1, 0), g_b = factor·(-1, 1): a projected is (½, ½), b projected is (0, factor).
    update, _ = update_of(balancing.upgrad(), [[1.0, 0.0], [-factor, factor]])
    precision = 1e-3 + 2e-6 * factor  # the solver is as precise as single precision is for the longest gradient
    torch.testing.assert_close(update, torch.tensor([0.25, 0.25 + factor / 2]), rtol=1e-4, atol=precision)


@given(st.integers(1, 9), st.integers(0, 10_000), st.floats(-4, 4))
@settings(max_examples=60, deadline=None)
def test_nash_weights_solve_their_equations(count, seed, exponent):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, 30, generator=generator, dtype=torch.float64)
    rows *= 10 ** (exponent * torch.rand(count, 1, generator=generator, dtype=torch.float64))
    gramian = rows @ rows.T
    alpha = nash_weights(gramian)
    torch.testing.assert_close(alpha * (gramian @ alpha), torch.ones(count, dtype=torch.float64), rtol=1e-5, atol=1e-5)
    assert (alpha @ rows).norm().item() == pytest.approx(math.sqrt(count), rel=1e-5)


def test_nash_leaves_out_a_task_without_gradient_and_keeps_to_its_longest_step():
    rows = torch.tensor([[2.0, 0.0], [0.0, 0.0], [0.0, 5.0]])
    torch.testing.assert_close(nash_weights(rows @ rows.T), torch.tensor([0.5, 0.0, 0.2]))
    assert NashBargaining(0.3)(rows).norm().item() == pytest.approx(0.3)
    assert NashBargaining(0)(rows).norm().item() == pytest.approx(math.sqrt(2))
    assert nash_weights(torch.zeros(2, 2)).tolist() == [0.0, 0.0]
