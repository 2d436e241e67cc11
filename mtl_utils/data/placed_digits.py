"""A small digit somewhere in the image: which digit is it, and where? A classification beside a regression in pixels.

The two losses have different units, and so different sizes: a cross-entropy of about 2 beside a squared error of about 200
square pixels. That makes these images the smallest problem on which loss weights matter.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mtl_utils.data.sources import DIGIT_NAMES, load_source
from mtl_utils.data.split import MultiTaskData, Split, check_positive
from mtl_utils.randomness import generator
from mtl_utils.tasks import classification, regression

_IMAGE, _DIGIT = 28, 14
_VALIDATION_POOL = 10_000


def placed_digits(train: int = 50_000, val: int = 10_000, test: int = 10_000, *, seed: int = 0) -> MultiTaskData:
    """MNIST digits, reduced to 14×14 pixels by averaging, each at a random place of a black 28×28 image.

    Tasks `digit` (ten classes, cross-entropy) and `position` (row and column of the centre of the 14×14 square, in pixels,
    7 to 21; squared error averaged over the two, in square pixels).

    Args:
        train, val, test: how many images, at most 50,000 / 10,000 / 10,000; validation is cut from the training images.
        seed: chooses the images and their places.
    """
    for part, size, most in (("train", train, 50_000), ("val", val, 10_000), ("test", test, 10_000)):
        check_positive(f"the number of {part} images", size)
        if size > most:
            raise ValueError(f"{size:,} {part} images were asked for, MNIST has {most:,}")
    chance = generator(seed)
    order = torch.randperm(60_000, generator=chance)
    pools = {
        "train": order[_VALIDATION_POOL : _VALIDATION_POOL + train],
        "val": order[:val],
        "test": torch.randperm(10_000, generator=chance)[:test],
    }
    tasks = [classification("digit", DIGIT_NAMES), regression("position", 2)]
    splits = {}
    for part, pool in pools.items():
        source = load_source("MNIST", train=part != "test")
        corner = torch.randint(_IMAGE - _DIGIT + 1, (len(pool), 2), generator=chance)
        targets = {"digit": source.labels[pool], "position": corner.float() + _DIGIT / 2}
        splits[part] = Split(place(source.images[pool], corner), targets, tasks)
    return MultiTaskData("placed digits", **splits)


def place(digits: Tensor, corner: Tensor) -> Tensor:
    """Reduce digits to half their size and put each on a black image of the old size.

    Args:
        digits: `uint8` `[N, 28, 28]`.
        corner: `[N, 2]`, row and column of the upper left pixel, each from 0 to 14.

    Returns:
        `uint8` `[N, 1, 28, 28]`.
    """
    small = F.avg_pool2d(digits[:, None].float(), 2).round().to(torch.uint8)
    rows = corner[:, 0, None, None] + torch.arange(_DIGIT)[:, None]
    columns = corner[:, 1, None, None] + torch.arange(_DIGIT)
    images = torch.zeros(len(digits), 1, _IMAGE, _IMAGE, dtype=torch.uint8)
    images[torch.arange(len(digits))[:, None, None], 0, rows, columns] = small[:, 0]
    return images
