"""A digit somewhere in the image: which digit is it, and where? A classification beside a regression in pixels.

The two losses have different units, and so different sizes: a cross-entropy of about 2 beside a squared error of about 200
square pixels. That makes these images the smallest problem on which loss weights matter.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_utils import randomness
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.datasets.pools import choose_once
from mtl_utils.datasets.sources import DIGIT_NAMES, load_source
from mtl_utils.datasets.splits import Splits
from mtl_utils.tasks import classification, regression


def placed_digits(train: int = 50_000, val: int = 10_000, test: int = 10_000, *, seed: int = 0) -> Splits:
    """MNIST digits, each moved to a random place that leaves all of it inside the 28×28 image.

    Tasks `digit` (ten classes, cross-entropy) and `position` (row and column of the centre of the digit's bounding box, in
    pixels from the upper left corner of the image; squared error averaged over the two, in square pixels).

    Args:
        train, val, test: how many images, at most 50,000 / 10,000 / 10,000; validation is cut from the training images.
        seed: chooses the images and their places.

    Example:
        >>> split = placed_digits(train=60, val=20, test=20).train
        >>> {name: tuple(target.shape) for name, target in split.targets.items()}
        {'digit': (60,), 'position': (60, 2)}
    """
    generator = randomness.generator(seed)
    pools = choose_once(train, val, test, generator)
    tasks = [classification("digit", DIGIT_NAMES), regression("position", 2)]
    splits = {}
    for part, pool in pools.items():
        source = load_source("MNIST", train=part != "test")
        images, position = place(source.images[pool], torch.rand(len(pool), 2, generator=generator))
        targets = {"digit": source.labels[pool], "position": position}
        splits[part] = MultiTaskDataset(images, targets, tasks)
    return Splits("placed digits", **splits)


def place(digits: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """Move each digit in its image.

    Args:
        digits: `uint8` `[N, H, W]`, none of them black.
        where: `[N, 2]`, from 0 (as far up, or left, as it can go) to 1 (as far down, or right).

    Returns:
        Images `uint8` `[N, 1, H, W]`, and the centres of the digits' bounding boxes `[N, 2]`, row and column in pixels.

    Raises:
        ValueError: if a place lies outside the frame.

    Example:
        >>> digit = torch.zeros(1, 28, 28, dtype=torch.uint8)
        >>> digit[0, 10:18, 10:18] = 255
        >>> _, centres = place(digit, torch.tensor([[0.0, 1.0]]))  # as far up, and as far right, as it can go
        >>> centres.tolist()
        [[4.0, 24.0]]
    """
    if where.shape != (len(digits), 2) or not bool(((where >= 0) & (where <= 1)).all()):
        raise ValueError(
            f"`where` must be [{len(digits)}, 2] numbers from 0 to 1, not {tuple(where.shape)} from {where.min()} "
            f"to {where.max()}"
        )
    numbers, rows, columns = torch.arange(len(digits))[:, None, None], *(torch.arange(size) for size in digits.shape[1:])
    ink = digits > 0
    sources, centres = [], []
    for axis, (seen, places) in enumerate(((ink.any(2), rows), (ink.any(1), columns))):
        first, last = seen.int().argmax(1), len(places) - 1 - seen.flip(1).int().argmax(1)
        free = len(places) - (last - first + 1)  # pixels by which the box can move
        start = (where[:, axis] * (free + 1)).long().minimum(free)
        sources.append((places - (start - first)[:, None]) % len(places))  # what leaves on one side and returns is black
        centres.append(start + (last - first + 1) / 2)
    return digits[numbers, sources[0][:, :, None], sources[1][:, None, :]][:, None], torch.stack(centres, 1)
