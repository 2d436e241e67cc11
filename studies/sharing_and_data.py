"""What hard sharing costs on MultiMNIST, with more images and with more time. Makes `sharing_and_data.csv`.

    python studies/sharing_and_data.py

About ten minutes on one core. Each row of `BUDGETS` is a comparison of its own: hard sharing against a network for each task,
with the same images, updates and seeds, the weights chosen on validation.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mtl_utils import datasets, experiments, models, training

RESULTS = Path(__file__).with_suffix(".csv")
# Images, epochs. The middle three have about as many updates (391 to 468) with more and more images.
BUDGETS = [(3000, 4), (3000, 20), (20_000, 3), (50_000, 1), (50_000, 3)]
COLUMNS = [
    "way",
    "seed",
    "task",
    "split",
    "metric",
    "loss",
    "measure",
    "higher_is_better",
    "updates",
    "best_step",
    "parameters",
]


def one_budget(images: int, epochs: int) -> pd.DataFrame:
    """The comparison with one number of images and epochs, five seeds."""
    pairs = datasets.multi_mnist(train=images, val=1000, test=4000)
    table = experiments.compare(
        {"hard sharing": lambda seed: models.hard_sharing(models.lenet, pairs, seed=seed)},
        pairs,
        seeds=range(5),
        epochs=epochs,
        batch_size=128,
        optimizer=training.adam(5e-3),
        baseline="single",
        encoder=models.lenet,
        progress=False,
    )
    return table[COLUMNS].assign(images=images, epochs=epochs)


def main() -> None:
    """All budgets that are not in the file yet, one after the other."""
    done = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=[*COLUMNS, "images", "epochs"])
    for images, epochs in BUDGETS:
        if not ((done["images"] == images) & (done["epochs"] == epochs)).any():
            new = one_budget(images, epochs)
            done = pd.concat([done, new]) if len(done) else new
            done.to_csv(RESULTS, index=False, lineterminator="\n", float_format="%.5f")


if __name__ == "__main__":
    main()
