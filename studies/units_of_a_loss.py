"""Every loss weighting in three units of one loss: makes `units_of_a_loss.csv`.

    python studies/units_of_a_loss.py

About five minutes on one core; what is in the file already is not computed again. One digit somewhere in an image: which
digit is it (cross-entropy), and where (squared error)? The position is measured in pixels ("raw"), in pixels from its mean
("centered"), or in standard deviations from its mean ("standardized"). In each unit every method is trained with the same
seeds; constant weights are tried on a grid, to choose from by validation. Metrics are in the unit of the training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mtl_utils import balancing, datasets, models
from mtl_utils.balancing import Balancer
from mtl_utils.datasets import MultiTaskDataset, Splits
from mtl_utils.evaluation import Evaluation
from mtl_utils.experiments import Way, compare, metrics_of
from mtl_utils.measures import delta_m
from mtl_utils.tasks import Task
from mtl_utils.training import adam

RESULTS = Path(__file__).with_suffix(".csv")
SEEDS, SEEDS_ALONE = range(5), range(6)
PLACED = datasets.placed_digits(train=2500, val=600, test=2000)
MEAN, SPREAD = (float(value) for value in torch.std_mean(PLACED.train.targets["position"])[::-1])
UNITS = {"raw": (0.0, 1.0), "centered": (MEAN, 1.0), "standardized": (MEAN, SPREAD)}  # subtract, divide by
# The weight of position; that of digit is 1.
CONSTANTS = {
    "raw": (1.0, 0.3, 0.1, 0.03, 0.01),
    "centered": (3.0, 1.0, 0.3, 0.1, 0.03),
    "standardized": (30.0, 10.0, 3.0, 1.0, 0.3),
}
SETTINGS: dict[str, Any] = {"epochs": 5, "batch_size": 64, "measure": ("val", "test")}

METHODS: dict[str, Callable[[], Balancer]] = {
    "uncertainty": lambda: balancing.UncertaintyWeighting(PLACED.tasks),
    "uncertainty, first losses": lambda: balancing.UncertaintyWeighting(PLACED.tasks, start="first losses"),
    "IMTL-L": balancing.IMTLL,
    "geometric mean": balancing.GeometricMean,
    "DWA": balancing.DynamicWeightAverage,
    "random": balancing.RandomWeighting,
    "GradNorm, α = 0": lambda: balancing.GradNorm(alpha=0.0),
    "GradNorm, α = 1.5": lambda: balancing.GradNorm(alpha=1.5),
    "FAMO": balancing.FAMO,
}


def small_encoder(image_shape: Sequence[int]) -> nn.Sequential:
    """LeNet's three stages with strides in place of pooling, as in notebook 05."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(image_shape[0], 12, 5, stride=2), nn.ReLU()),
        nn.Sequential(nn.Conv2d(12, 24, 3, stride=2), nn.ReLU()),
        nn.Sequential(nn.Flatten(), nn.Linear(24 * 5 * 5, 50), nn.ReLU()),
    )


def optimizer(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """Adam; what a balancer learns has the learning rate of the GradNorm paper."""
    for learned_by_the_balancer in groups[1:]:
        learned_by_the_balancer["lr"] = 0.025
    return adam(5e-3)(groups)


def in_unit(unit: str) -> Splits:
    """The data with positions in another unit."""
    subtract, divide = UNITS[unit]

    def changed(split: MultiTaskDataset) -> MultiTaskDataset:
        return split.with_targets(position=(split.targets["position"] - subtract) / divide)

    return Splits(f"placed digits, {unit}", *(changed(split) for split in (PLACED.train, PLACED.val, PLACED.test)))


@dataclass(frozen=True)
class ByDeltaM:
    """Chooses the epoch by Δm on validation, position in pixels."""

    yardstick: Mapping[str, float]
    pixels: float

    def __call__(self, now: Evaluation, first: Evaluation, tasks: Sequence[Task]) -> float:
        reached = {"digit": now.metrics["digit"], "position": now.metrics["position"] * self.pixels}
        return delta_m(reached, self.yardstick, {"digit": True, "position": False})


def make(seed: int) -> models.MultiTaskModel:
    """The network of all runs with two tasks."""
    return models.hard_sharing(small_encoder, PLACED, seed=seed)


def make_alone(task: str) -> Callable[[int], models.MultiTaskModel]:
    """A network for one task."""
    return lambda seed: models.hard_sharing(small_encoder, PLACED.for_tasks(task), seed=seed)


def main() -> None:
    """Each task alone first, since the epoch is chosen by Δm; then all methods in all units."""
    data = {unit: in_unit(unit) for unit in UNITS}
    alone = {"digit alone": Way(make_alone("digit"), tasks=("digit",))} | {
        f"{unit} | position alone": Way(make_alone("position"), splits=data[unit], tasks=("position",)) for unit in UNITS
    }
    table = compare(alone, PLACED, seeds=SEEDS_ALONE, optimizer=optimizer, results=RESULTS, **SETTINGS)

    def on_validation(way: str, task: str) -> float:
        reached = metrics_of(table, way, task, split="val")
        return sum(reached.values()) / len(reached)

    positions = [on_validation(f"{unit} | position alone", "position") * UNITS[unit][1] for unit in UNITS]
    yardstick = {"digit": on_validation("digit alone", "digit"), "position": min(positions)}
    ways = {}
    for unit, (_, pixels) in UNITS.items():
        common = {"splits": data[unit], "choose": ByDeltaM(yardstick, pixels), "optimizer": optimizer}
        for weight in CONSTANTS[unit]:
            weights = {"digit": 1.0, "position": weight}
            ways[f"{unit} | constant {weight:g}"] = Way(make, balancer=lambda w=weights: balancing.WeightedSum(w), **common)
        for name, balancer in METHODS.items():
            ways[f"{unit} | {name}"] = Way(make, balancer=balancer, **common)
    for seed in SEEDS:  # so that whoever stops early has all methods with some seeds
        compare(ways, PLACED, seeds=[seed], results=RESULTS, **SETTINGS)


if __name__ == "__main__":
    main()
