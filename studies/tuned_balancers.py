"""Gradient methods against the plain sum, all with the same budget of tuning: makes `tuned_balancers*.csv`.

    python studies/tuned_balancers.py

About a quarter of an hour on one core; what is in the files already is not computed again. Four tasks on MultiMNIST: both
digits, and for each whether it is large. Every method tries the same seven settings of Adam (step size and weight decay) with
one seed, keeps the one with the best mean accuracy on validation, and is trained with it from six other seeds, as Kurin et al.
(NeurIPS 2022) ask for. The plain sum is trained once more with Adam's own step size of 0.001, to show what tuning alone brings.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from mtl_utils import balancing, datasets, models
from mtl_utils.balancing import Balancer
from mtl_utils.datasets import with_attributes
from mtl_utils.experiments import Way, compare
from mtl_utils.training import adam

# Step size and weight decay: around the middle, which was found good before, a smaller and a larger one of each.
SETTINGS = [(1e-3, 0.0), (2e-3, 0.0), (5e-3, 0.0), (1e-2, 0.0), (2e-3, 1e-3), (5e-3, 1e-3), (5e-3, 1e-2)]
METHODS: dict[str, Callable[[], Balancer]] = {
    "sum": balancing.WeightedSum,
    "random weights": balancing.RandomWeighting,
    "FAMO": balancing.FAMO,
    "PCGrad": balancing.pcgrad,
    "MGDA": balancing.mgda,
    "CAGrad": balancing.cagrad,
    "UPGrad": balancing.upgrad,
    "Nash-MTL": balancing.nash_mtl,
    "IMTL-G": balancing.imtl_g,
    "Aligned-MTL": balancing.aligned_mtl,
}
TUNING_SEED, SEEDS = 100, range(6)
UPDATES, BATCH = 300, 100
FOLDER = Path(__file__).parent


def data() -> datasets.Splits:
    """MultiMNIST with four tasks: 3,000 / 1,000 / 5,000 images."""
    two = datasets.multi_mnist(3000, 1000, 5000)
    return with_attributes(with_attributes(two, "left", ["large"]), "right", ["large"])


def main() -> None:
    """Tune, choose, and train again."""
    torch.set_num_threads(1)
    splits = data()

    def make(seed: int) -> models.MultiTaskModel:
        return models.hard_sharing(models.lenet, splits, seed=seed)

    def way(method: str, setting: tuple[float, float], tuning: int) -> Way:
        return Way(make, balancer=METHODS[method], optimizer=adam(*setting), tuning=tuning)

    def name(method: str, setting: tuple[float, float]) -> str:
        return f"{method}, step {setting[0]:g}, decay {setting[1]:g}"

    measured = partial(compare, splits=splits, updates=UPDATES, batch_size=BATCH, validate_every=UPDATES // 3)
    tried = measured(
        {name(method, setting): way(method, setting, 0) for method in METHODS for setting in SETTINGS},
        seeds=[TUNING_SEED], measure=("val",), results=FOLDER / "tuned_balancers_tries.csv",
    )  # fmt: skip
    accuracy = tried.groupby("way")["metric"].mean()
    best = {method: max(SETTINGS, key=lambda setting: accuracy[name(method, setting)]) for method in METHODS}
    ways = {"sum, step 0.001": way("sum", (1e-3, 0.0), 0)}
    ways |= {method: way(method, best[method], len(SETTINGS)) for method in METHODS}
    for seed in SEEDS:  # so that whoever stops early has all methods with some seeds
        measured(ways, seeds=[seed], results=FOLDER / "tuned_balancers.csv")


if __name__ == "__main__":
    main()
