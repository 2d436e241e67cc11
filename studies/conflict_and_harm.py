"""Does conflict between tasks early in training foretell what sharing costs at the end? Makes `conflict_and_harm.csv`.

    python studies/conflict_and_harm.py

About fifteen minutes on one core; what is in the file already is not computed again. Pairs of tasks on four data sets; for
each pair and seed one network with hard sharing, watched in its first hundred updates, and a network for each task alone with
the same images, updates and choice on validation.

The table was computed when two objects were still reduced to 28×28 pixels by the rule ⌊k·36/28⌋; today's images are half a
pixel off from those (see `datasets.two_objects`), and running the study again gives numbers that differ a little.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from statistics import fmean

import torch

from mtl_utils import datasets, models
from mtl_utils.analysis import WHOLE, measure_conflict
from mtl_utils.datasets import Splits, with_attributes
from mtl_utils.evaluation import evaluate
from mtl_utils.randomness import generator
from mtl_utils.training import train

RESULTS = Path(__file__).with_suffix(".csv")
SEEDS = range(4)
UPDATES, BATCH, EARLY, EVERY = 300, 100, 100, 10
SIZES = (3000, 1000, 4000)


def pairs(seed: int) -> Iterator[tuple[Splits, str, str]]:
    """Every data set with two of its tasks."""
    digits = datasets.digits(*SIZES, random_classes=10, seed=seed)
    two = datasets.multi_mnist(*SIZES, seed=seed)
    for part in ("left", "right"):
        two = with_attributes(two, part, ["even", "large"])
    for splits in (digits, two, datasets.multi_fashion_mnist(*SIZES, seed=seed), datasets.fashion_and_mnist(*SIZES, seed=seed)):
        for first, second in combinations([task.name for task in splits.tasks], 2):
            if second != "random" or first == "digit":
                yield splits.for_tasks(first, second), first, second


def trained(splits: Splits, seed: int, watch: bool) -> tuple[dict[str, float], list[list[float]]]:
    """The test accuracy of every task; and early cosines of two tasks on a batch, of one task on two, of two tasks on two."""
    model = models.hard_sharing(models.lenet, splits, seed=seed)
    chance = generator(seed + 1000)
    seen: list[list[float]] = []
    for step in train(model, splits, steps=UPDATES, batch_size=BATCH, validate_every=UPDATES // 3, seed=seed):
        if watch and step.number <= EARLY and step.number % EVERY == 0:
            indices = torch.randperm(len(splits.train), generator=chance)
            batches = (splits.train.batch(indices[:BATCH]), splits.train.batch(indices[BATCH : 2 * BATCH]))
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
    columns = ["data", "first", "second", "seed", "cosine", "conflicts", "control", "control_conflicts", "two_batches",
               "shared_first", "shared_second", "single_first", "single_second"]  # fmt: skip
    done = set()
    if RESULTS.exists():
        with RESULTS.open() as file:
            done = {(row["data"], row["first"], row["second"], int(row["seed"])) for row in csv.DictReader(file)}
    else:
        RESULTS.write_text(",".join(columns) + "\n")
    for seed in SEEDS:
        alone: dict[tuple[str, str], float] = {}
        for splits, first, second in pairs(seed):
            if (splits.name, first, second, seed) in done:
                continue
            for name in (first, second):
                if (splits.name, name) not in alone:
                    alone[splits.name, name] = trained(splits.for_tasks(name), seed, watch=False)[0][name]
            shared, seen = trained(splits, seed, watch=True)
            cosine, control, counterpart = zip(*seen, strict=True)
            numbers = [
                fmean(cosine), fmean(value < 0 for value in cosine), fmean(control), fmean(value < 0 for value in control),
                fmean(counterpart), shared[first], shared[second], alone[splits.name, first], alone[splits.name, second],
            ]  # fmt: skip
            with RESULTS.open("a") as file:
                csv.writer(file, lineterminator="\n").writerow(
                    [splits.name, first, second, seed, *(f"{number:.4f}" for number in numbers)]
                )


if __name__ == "__main__":
    main()
