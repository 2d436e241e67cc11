"""One object in each image, and several questions about it: the class of a digit and its attributes.

Tasks about the *same* object can help each other, above all when one of them has few labels. The attributes are functions
of the class, so that they are exact, and so that a network which knows the class knows them too.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mtl_utils import randomness
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.datasets.pools import choose_once
from mtl_utils.datasets.sources import DIGIT_NAMES, load_source
from mtl_utils.datasets.splits import Splits
from mtl_utils.tasks import classification

# Which digits have the attribute. A printed 4 may have a loop; handwritten ones in MNIST are mostly open.
ATTRIBUTES: dict[str, tuple[int, ...]] = {
    "even": (0, 2, 4, 6, 8),
    "large": (5, 6, 7, 8, 9),
    "loop": (0, 6, 8, 9),
}


def digits(
    train: int = 50_000,
    val: int = 10_000,
    test: int = 10_000,
    *,
    attributes: Sequence[str] = ("even", "large", "loop"),
    random_classes: int | None = None,
    seed: int = 0,
) -> Splits:
    """MNIST with the task `digit` (ten classes) and one task of two classes for each attribute.

    Args:
        train, val, test: how many images, at most 50,000 / 10,000 / 10,000; validation is cut from the training images.
        attributes: some of `even`, `large` (5 or more) and `loop` (0, 6, 8, 9).
        random_classes: adds a task `random` of that many classes whose labels are drawn by chance, image by image: the control
            that tells what a second task does *without* telling anything about the image.
        seed: chooses the images and the random labels.

    Examples:
        >>> split = digits(train=60, val=20, test=20).train
        >>> list(split.targets)
        ['digit', 'even', 'large', 'loop']
    """
    if unknown := [name for name in attributes if name not in ATTRIBUTES]:
        raise ValueError(f"no attribute is called {unknown[0]!r}; there are {', '.join(ATTRIBUTES)}")
    generator = randomness.generator(seed)
    pools = choose_once(train, val, test, generator)
    tasks = [classification("digit", DIGIT_NAMES)]
    tasks += [classification(name, (f"not {name}", name)) for name in attributes]
    if random_classes is not None:
        tasks.append(classification("random", random_classes))
    splits = {}
    for part, pool in pools.items():
        source = load_source("MNIST", train=part != "test")
        labels = source.labels[pool]
        targets = {"digit": labels}
        for name in attributes:
            targets[name] = torch.isin(labels, torch.tensor(ATTRIBUTES[name])).long()
        if random_classes is not None:
            targets["random"] = torch.randint(random_classes, (len(pool),), generator=generator)
        splits[part] = MultiTaskDataset(source.images[pool].unsqueeze(1), targets, tasks)
    return Splits("MNIST digits", **splits)
