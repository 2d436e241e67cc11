"""The two valleys: values by hand, the mirror image, the Pareto set, and paths against the training loop."""

import math

import pytest
import torch

from mtl_utils import balancing, training
from mtl_utils.balancing import two_tasks
from mtl_utils.problems import FamoOfTwo, TwoValleys, follow


def losses(*x):
    return [loss.item() for loss in TwoValleys.losses(torch.tensor(x, dtype=torch.float64)).values()]


def test_losses_by_hand():
    # x₂ = 0: both parts have the factor 0.
    assert losses(3.0, 0.0) == [0.0, 0.0]
    # Far below, c₂ = tanh(4): at the first bowl's center (7, -8) only -20, and 14²/10 more for the second.
    assert losses(7.0, -8.0) == pytest.approx([-20 * math.tanh(4), (19.6 - 20) * math.tanh(4)])
    # Above, at (1, 2): c₁ = tanh 1, f₁ = log|½·(-8) + tanh 2| + 6, f₂ = log|½·2 - tanh 2 + 2| + 6.
    first, second = math.log(4 - math.tanh(2)) + 6, math.log(3 - math.tanh(2)) + 6
    assert losses(1.0, 2.0) == pytest.approx([math.tanh(1) * first, math.tanh(1) * second])


def test_the_floor_of_a_valley_is_cut_off():
    # f₁'s floor: ½(-x₁-7) = -tanh(x₂).
    two = 3.0
    one = -7 + 2 * math.tanh(two)
    assert losses(one, two)[0] == pytest.approx(math.tanh(two / 2) * (math.log(5e-6) + 6))


def test_the_second_valley_is_the_first_one_s_mirror_image():
    # |½(-x₁-7) + tanh x₂| and |½(-x₁+7) - tanh x₂|: the sign that the papers print otherwise.
    for one, two in ((1.0, 2.0), (-4.0, 0.7), (6.0, 5.0), (2.0, -3.0), (8.0, -9.0)):
        assert losses(one, two) == pytest.approx(losses(-one, two)[::-1])


def test_gradients_are_those_of_the_losses():
    x = torch.tensor([[1.0, 2.0], [-3.0, -4.0]], dtype=torch.float64)
    first, second = TwoValleys.gradients(x)
    step = 1e-6
    for axis in range(2):
        shift = torch.zeros(2, dtype=torch.float64)
        shift[axis] = step
        for name, gradient in (("first", first), ("second", second)):
            slope = (TwoValleys.losses(x + shift)[name] - TwoValleys.losses(x - shift)[name]) / (2 * step)
            torch.testing.assert_close(gradient[:, axis], slope, rtol=1e-5, atol=1e-7)


def test_the_start_between_the_halves_has_gradients():
    # At (0, 0) both halves count with the slope ½: f₁ = log 3.5 + 6 above, g₁ = (7² + 6.4)/10 - 20 below.
    first, second = TwoValleys.gradients(torch.zeros(2, dtype=torch.float64))
    assert first.tolist() == pytest.approx([0.0, (math.log(3.5) + 6) / 2 - (5.54 - 20) / 2])
    assert second.tolist() == pytest.approx(first.tolist())


def test_on_the_pareto_set_gradients_are_opposite_and_no_point_beats_another():
    points = TwoValleys.pareto_set(21)
    first, second = TwoValleys.gradients(points[1:-1])
    assert (torch.cosine_similarity(first, second, -1) < -0.999).all()
    one, two = TwoValleys.losses(points).values()
    assert (one.diff() > 0).all()
    assert (two.diff() < 0).all()


BALANCERS = {
    "sum": (two_tasks.weighted_sum(), balancing.WeightedSum),
    "PCGrad": (two_tasks.two_task_pcgrad, balancing.pcgrad),
    "MGDA": (two_tasks.two_task_mgda, balancing.mgda),
    "CAGrad": (two_tasks.two_task_cagrad(0.5), balancing.cagrad),
    "UPGrad": (two_tasks.two_task_upgrad, balancing.upgrad),
    "Nash-MTL": (two_tasks.two_task_nash(), balancing.nash_mtl),
    "IMTL-G": (two_tasks.two_task_imtl_g, balancing.imtl_g),
    "Aligned-MTL": (two_tasks.two_task_aligned, balancing.aligned_mtl),
}


@pytest.mark.parametrize("name", BALANCERS)
def test_a_path_is_the_one_that_the_training_loop_takes(name):
    method, make = BALANCERS[name]
    for start in ((-8.5, 7.5), (9.0, -1.0)):
        model = TwoValleys(start)
        training.fit(model, TwoValleys.batches(), steps=40, tasks=TwoValleys.tasks(), balancer=make(),
                     optimizer=training.adam(1e-2), progress=False)  # fmt: skip
        path = follow({name: method}, [start], steps=40, learning_rate=1e-2)[name]
        torch.testing.assert_close(model.x[0].detach().double(), path[0, -1], atol=2e-3, rtol=0)


def test_famo_of_many_points_is_torchjds_on_raised_losses():
    from torchjd.scalarization import FAMO

    start = (-8.5, 7.5)
    x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    theirs = FAMO(2, lr=0.025, weight_decay=1e-3).double()
    optimizer = torch.optim.Adam([x], lr=1e-2)

    def raised():
        return torch.stack(list(TwoValleys.losses(x).values())) + 20

    for _ in range(60):
        optimizer.zero_grad()
        theirs(raised()).backward()
        optimizer.step()
        with torch.no_grad():
            theirs.update(raised())
    path = follow({"FAMO": FamoOfTwo()}, [(0.0, 0.0), start], steps=60, learning_rate=1e-2)["FAMO"]
    torch.testing.assert_close(path[1, -1], x.detach(), atol=1e-5, rtol=0)


def test_paths_do_not_know_of_each_other():
    both = follow({"a": two_tasks.two_task_mgda, "b": two_tasks.weighted_sum()}, steps=30, every=10)
    alone = follow({"b": two_tasks.weighted_sum()}, TwoValleys.starts[1:2], steps=30, every=10)
    assert both["b"].shape == (5, 4, 2)
    torch.testing.assert_close(both["b"][1:2], alone["b"])


def test_plain_descent_takes_steps_along_the_gradient():
    start = torch.tensor([[2.0, -3.0]], dtype=torch.float64)
    path = follow({"sum": two_tasks.weighted_sum()}, [(2.0, -3.0)], steps=1, learning_rate=0.1, optimizer="sgd")["sum"]
    first, second = TwoValleys.gradients(start)
    torch.testing.assert_close(path[:, 1], start - 0.1 * (first + second))


def test_bad_arguments_are_told():
    with pytest.raises(ValueError, match=r"optimizer= must be 'adam' or 'sgd', not 'lbfgs'"):
        follow({"sum": two_tasks.weighted_sum()}, steps=1, optimizer="lbfgs")
    with pytest.raises(ValueError, match=r"x starts at two numbers"):
        TwoValleys((1.0, 2.0, 3.0))
