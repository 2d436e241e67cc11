"""Does conflict between tasks early in training foretell what sharing costs at the end? Makes `conflict_and_harm.csv`.

    python studies/conflict_and_harm.py

About twenty minutes on one core; what is in the file already is not computed again. Thirty pairs of tasks: digits with
attributes, two objects in one image with and without attributes, and the four tasks of moving scenes. For each pair and seed
one network with hard sharing, watched in its first hundred updates, and a network for each task alone with the same images,
updates and choice on validation.

Metrics of scenes have other units than accuracy, and some are better when lower. So harm is to be read as a *relative* change
(Δm of the shared network against the two single ones, with its sign turned), for all pairs alike. The losses of the scenes have
the weights that `scenes.py` chose on validation: with a plain sum harm could come from the scales of the losses alone. Weights
do not change the cosine of two gradients; and for one task alone, trained by Adam, a constant weight changes nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torch.optim.lr_scheduler import OneCycleLR

from mtl_utils import balancing, datasets, models
from mtl_utils.analysis import WHOLE, measure_conflict
from mtl_utils.datasets import Splits, with_attributes
from mtl_utils.evaluation import evaluate
from mtl_utils.randomness import generator
from mtl_utils.training import train

RESULTS = Path(__file__).with_suffix(".csv")
SEEDS = range(4)
EARLY, EVERY = 100, 10
SIZES = (3000, 1000, 4000)
RATE = 4e-3  # of the scenes, as in `scenes.py`
COLUMNS = ("data", "first", "second", "seed", "cosine", "conflicts", "control", "control_conflicts", "two_batches",
           "shared_first", "shared_second", "single_first", "single_second", "better_first", "better_second")  # fmt: skip


class Recipe(NamedTuple):
    """How the networks of one data set are made and trained, for one task and for two."""

    make: Callable[..., models.MultiTaskModel]
    updates: int
    batch: int
    measured: int  # images in each batch on which gradients are compared
    arguments: Mapping[str, Any]
    weights: Mapping[str, float]


DIGITS = Recipe(partial(models.hard_sharing, models.lenet), 300, 100, 100, {}, {})
SCENES = Recipe(
    models.scene_network, 400, 8, 32,
    {
        "optimizer": lambda groups: torch.optim.AdamW(groups, lr=RATE, weight_decay=1e-4),
        "schedule": lambda optimizer: OneCycleLR(optimizer, RATE, total_steps=400),
    },
    {"detection": 1.0, "segmentation": 4.0, "depth": 1.0, "tracking": 1.0},
)  # fmt: skip


def data(seed: int) -> list[tuple[Splits, Recipe]]:
    """All data sets of one seed, each with all of its tasks."""
    digits = datasets.digits(*SIZES, random_classes=10, seed=seed)
    two = datasets.multi_mnist(*SIZES, seed=seed)
    for part in ("left", "right"):
        two = with_attributes(two, part, ["even", "large"])
    clothes = datasets.multi_fashion_mnist(*SIZES, seed=seed), datasets.fashion_and_mnist(*SIZES, seed=seed)
    scenes = datasets.moving_scenes(300, 40, 60, source="FashionMNIST", size=48, seed=seed).pairs()
    return [*((each, DIGITS) for each in (digits, two, *clothes)), (scenes, SCENES)]


def pairs(seed: int) -> Iterator[tuple[Splits, str, str, Recipe]]:
    """Every data set with two of its tasks."""
    for splits, recipe in data(seed):
        for first, second in combinations([task.name for task in splits.tasks], 2):
            if second != "random" or first == "digit":
                yield splits.for_tasks(first, second), first, second, recipe


def trained(splits: Splits, recipe: Recipe, seed: int, watch: bool) -> tuple[dict[str, float], list[list[float]]]:
    """The test metric of every task; and early cosines of two tasks on a batch, of one task on two, of two tasks on two."""
    model = recipe.make(splits, seed=seed)
    chance = generator(seed + 1000)
    seen: list[list[float]] = []
    for step in train(
        model, splits, steps=recipe.updates, batch_size=recipe.batch, validate_every=recipe.updates // 3, seed=seed,
        balancer=balancing.WeightedSum({task.name: recipe.weights.get(task.name, 1.0) for task in splits.tasks}),
        **recipe.arguments,
    ):  # fmt: skip
        if watch and step.number <= EARLY and step.number % EVERY == 0:
            indices = torch.randperm(len(splits.train), generator=chance)
            batches = (
                splits.train.batch(indices[: recipe.batch]),
                splits.train.batch(indices[recipe.batch : 2 * recipe.batch]),
            )
            found = [each for each in measure_conflict(model, *batches, splits.tasks) if each.where == WHOLE]
            seen.append([
                fmean(each.cosine for each in found if each.first != each.second and each.same_batch),
                fmean(each.cosine for each in found if each.first == each.second),
                fmean(each.cosine for each in found if each.first != each.second and not each.same_batch),
            ])  # fmt: skip
    return evaluate(model, splits.test).metrics, seen


def main() -> None:
    """Run what is not in the file yet; a finished run is in it before the next begins."""
    torch.set_num_threads(1)
    done = set()
    if RESULTS.exists():
        with RESULTS.open() as file:
            done = {(row["data"], row["first"], row["second"], int(row["seed"])) for row in csv.DictReader(file)}
    else:
        RESULTS.write_text(",".join(COLUMNS) + "\n")
    for seed in SEEDS:
        alone: dict[tuple[str, str], float] = {}
        for splits, first, second, recipe in pairs(seed):
            if (splits.name, first, second, seed) in done:
                continue
            for name in (first, second):
                if (splits.name, name) not in alone:
                    alone[splits.name, name] = trained(splits.for_tasks(name), recipe, seed, watch=False)[0][name]
            shared, seen = trained(splits, recipe, seed, watch=True)
            cosine, control, counterpart = zip(*seen, strict=True)
            numbers = [
                fmean(cosine), fmean(value < 0 for value in cosine), fmean(control), fmean(value < 0 for value in control),
                fmean(counterpart), shared[first], shared[second], alone[splits.name, first], alone[splits.name, second],
            ]  # fmt: skip
            better = ["higher" if task.higher_is_better else "lower" for task in splits.tasks]
            with RESULTS.open("a") as file:
                csv.writer(file, lineterminator="\n").writerow(
                    [splits.name, first, second, seed, *(f"{number:.4f}" for number in numbers), *better]
                )


if __name__ == "__main__":
    main()
