"""A small folder of one's own: from chance, frozen, adapted or fine-tuned? Makes `own_images.csv`.

    python studies/own_images.py

About five minutes on one core; what is in the file already is not computed again. The folder is the one of notebook 10.
Every seed draws other splits (all pictures of an item in one of them) and starts from other heads; the encoder was trained
before, once, on pictures of other things. "copies in two splits" is hard sharing on splits that do not know the items.
"""

from __future__ import annotations

import tempfile
from functools import lru_cache, partial
from pathlib import Path

from mtl_utils import datasets, fit, models, training
from mtl_utils.datasets import FolderSplits, Normalization
from mtl_utils.experiments import Way, compare

RESULTS = Path(__file__).with_suffix(".csv")
SEEDS = range(5)
TASKS = ("garment", "color", "stain")
EPOCHS, BATCH = 12, 64
SHARES = {"val": 0.15, "test": 0.35}
# Of the pictures that the encoder was trained on before, so that its features mean the same for every split.
WALL = Normalization((0.46, 0.46, 0.46), (0.19, 0.19, 0.19))

encoder = partial(models.small_cnn, channels=(16, 32, 64))


@lru_cache
def pictures() -> Path:
    """The folder, written once."""
    return datasets.write_example_folder(tempfile.mkdtemp(prefix="own_images"), 500)


def splits(seed: int, group: str | None = "item") -> FolderSplits:
    """The folder's pictures in splits that are drawn with this seed."""
    return datasets.from_table(
        pictures(), tasks=TASKS, group=group, size=None, normalization=WALL, seed=seed, progress=False, **SHARES
    )


@lru_cache
def trained_before() -> models.HardSharing:
    """A network that has learned to tell other things apart."""
    other = datasets.other_pictures(3000, normalization=WALL)
    model = models.hard_sharing(encoder, other)
    fit(model, other, epochs=4, batch_size=BATCH, optimizer=training.adam(3e-3), progress=False, device="cpu")
    return model


def pretrained(seed: int, **arguments: float) -> models.HardSharing:
    """New heads on the encoder that was trained before."""
    model = models.hard_sharing(encoder, splits(0), seed=seed, **arguments)
    model.encoder.load_state_dict(trained_before().encoder.state_dict())
    return model


WAYS = {
    "from chance": lambda seed: models.hard_sharing(encoder, splits(0), seed=seed),
    "frozen": lambda seed: models.FrozenEncoder(pretrained(seed)),
    "adapters": lambda seed: models.TaskAdapters(pretrained(seed), rank=4, seed=seed),
    "fine-tuned slowly": lambda seed: pretrained(seed, encoder_rate=0.1),
    "fine-tuned": pretrained,
    "copies in two splits": Way(
        lambda seed: models.hard_sharing(encoder, splits(0), seed=seed), splits=partial(splits, group=None)
    ),
}

if __name__ == "__main__":
    compare(
        WAYS, splits, seeds=SEEDS, epochs=EPOCHS, batch_size=BATCH, optimizer=training.adam(3e-3),
        baseline="single", encoder=encoder, results=RESULTS, device="cpu",
    )  # fmt: skip
