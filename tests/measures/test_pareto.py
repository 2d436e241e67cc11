"""Pareto front, hypervolume and sweeps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_utils import datasets, models
from mtl_utils.balancing import WeightedSum
from mtl_utils.balancing.balancer import Losses
from mtl_utils.experiments.sweep import sweep_weights
from mtl_utils.measures.pareto import hypervolume, pareto_front
from mtl_utils.plotting.pareto import plot_front, staircase
from mtl_utils.tasks import classification

points_of = st.integers(1, 3).flatmap(
    lambda tasks: st.lists(st.lists(st.integers(0, 5), min_size=tasks, max_size=tasks), min_size=1, max_size=8)
)


def test_the_front_by_hand() -> None:
    points = [[1, 5], [2, 4], [2, 3], [4, 1], [0, 5], [4, 1]]
    assert pareto_front(points).tolist() == [True, True, False, True, False, True]
    assert pareto_front(points, higher_is_better=False).tolist() == [False, False, True, True, True, True]
    assert pareto_front(points, higher_is_better=[True, False]).tolist() == [False, False, False, True, False, True]


@given(points_of)
def test_the_front_is_what_nothing_dominates(points: list[list[int]]) -> None:
    def dominates(a: list[int], b: list[int]) -> bool:
        return all(x >= y for x, y in zip(a, b, strict=True)) and a != b

    expected = [not any(dominates(other, point) for other in points) for point in points]
    assert pareto_front(points).tolist() == expected
    assert any(expected)


def test_hypervolume_by_hand() -> None:
    assert hypervolume([[1, 2]], [0, 0]) == 2
    assert hypervolume([[1, 2], [2, 1]], [0, 0]) == 3
    assert hypervolume([[1, 2], [2, 1], [1, 1], [1, 2]], [0, 0]) == 3
    assert hypervolume([[0.2, 0.6], [0.5, 0.5]], [1, 1], higher_is_better=False) == pytest.approx(0.8 * 0.4 + 0.5 * 0.1)
    assert hypervolume([[1, 1, 1], [2, 1, 1]], [0, 0, 0]) == 2
    assert hypervolume([[-1, 5]], [0, 0]) == 0
    assert hypervolume([[3.0], [4.0]], [1.0]) == 3


@settings(max_examples=60)
@given(points_of)
def test_hypervolume_counts_the_unit_cubes_below_the_points(points: list[list[int]]) -> None:
    tasks = len(points[0])
    cubes = sum(
        any(all(corner < value for corner, value in zip(cube, point, strict=True)) for point in points)
        for cube in itertools.product(range(5), repeat=tasks)
    )
    assert hypervolume(points, [0] * tasks) == pytest.approx(cubes)
    front = [point for point, best in zip(points, pareto_front(points).tolist(), strict=True) if best]
    assert hypervolume(front, [0] * tasks) == pytest.approx(cubes)
    assert hypervolume(points[::-1], [0] * tasks) == pytest.approx(cubes)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pareto_front([1.0, 2.0]), r"a table \[points, tasks\]"),
        (lambda: pareto_front([[1.0, 2.0], [float("nan"), 1.0]]), "point 1 is not finite"),
        (lambda: pareto_front([[1.0, 2.0]], [True]), "`higher_is_better` has 1 values, the points have 2"),
        (lambda: hypervolume([[1.0, 2.0]], [0.0]), "the reference point has 1 values, the points have 2"),
    ],
)
def test_misuse_of_fronts(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()  # type: ignore[operator]


def test_the_staircase_bounds_what_is_dominated() -> None:
    x, y = staircase(np.array([[2.0, 1.0], [1.0, 3.0]]))
    # Both better upwards: (1, 3) holds its height to the left only; between the two, the height is that of (2, 1).
    assert x.tolist() == [1.0, 1.0, 2.0]
    assert y.tolist() == [3.0, 1.0, 1.0]
    x, y = staircase(np.array([[1.0, 3.0], [2.0, 1.0]]), higher_is_better=False)
    # Both better downwards: between the two, the height is still that of (1, 3).
    assert x.tolist() == [2.0, 2.0, 1.0]
    assert y.tolist() == [1.0, 3.0, 3.0]
    assert [len(part) for part in staircase(np.zeros((0, 2)))] == [0, 0]


def test_a_front_is_drawn_full_and_the_dominated_hollow() -> None:
    ax = plot_front([[0.1, 0.9], [0.9, 0.1], [0.05, 0.05]], label="sweep")
    full, hollow = ax.collections
    assert full.get_offsets().tolist() == [[0.1, 0.9], [0.9, 0.1]]
    assert hollow.get_offsets().tolist() == [[0.05, 0.05]]
    plot_front([], ax)


def small() -> datasets.Splits:
    generator = torch.Generator().manual_seed(0)
    tasks = [classification("left", 2), classification("right", 2)]
    splits = [
        datasets.MultiTaskDataset(
            torch.randint(256, (40, 1, 16, 16), dtype=torch.uint8, generator=generator),
            {task.name: torch.randint(2, (40,), generator=generator) for task in tasks},
            tasks,
        )
        for _ in range(3)
    ]
    return datasets.Splits("small", *splits)


def test_a_sweep_trains_each_weight_with_each_seed() -> None:
    of = small()
    weights = [{"left": 1.0, "right": 0.0}, {"left": 0.0, "right": 1.0}]

    def make(seed: int) -> torch.nn.Module:
        return models.hard_sharing(models.lenet, of, seed=seed)

    points = sweep_weights(make, of, weights, seeds=(3, 4), steps=6, batch_size=20, device="cpu")
    assert [(point.weights, point.seed) for point in points] == [(each, seed) for each in weights for seed in (3, 4)]
    assert all(set(point.evaluation.metrics) == {"left", "right"} for point in points)
    again = sweep_weights(make, of, weights[:1], seeds=(4,), steps=6, batch_size=20, device="cpu")
    assert again[0] == points[1]


def test_a_sweep_uses_its_balancer_and_its_tasks() -> None:
    of, trained = small(), []

    class Recording(WeightedSum):
        def backward(self, losses: Losses, model: torch.nn.Module) -> dict[str, float]:
            trained.append(self.weights)
            return super().backward(losses, model)

    points = sweep_weights(
        lambda seed: models.single_task(models.lenet, of, "left", seed=seed),
        of,
        [{"left": 1.0}, {"left": 0.5}],
        balancer=Recording,
        tasks=of.tasks[:1],
        steps=2,
        device="cpu",
    )
    assert trained == [{"left": 1.0}] * 2 + [{"left": 0.5}] * 2
    assert [set(point.evaluation.metrics) for point in points] == [{"left"}] * 2


@pytest.mark.parametrize(
    ("bad", "words"), [({"left": -1, "right": 1}, "zero or more, not -1"), ({"lft": 1, "right": 1}, "no task of that name")]
)
def test_a_bad_weight_is_told_before_anything_is_trained(bad: dict[str, float], words: str) -> None:
    def make(seed: int) -> torch.nn.Module:
        raise AssertionError("a model was made")

    with pytest.raises(ValueError, match=words):
        sweep_weights(make, small(), [{"left": 1, "right": 1}, bad], steps=2)
