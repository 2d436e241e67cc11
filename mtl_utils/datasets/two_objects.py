"""Two objects in one image: MultiMNIST, MultiFashionMNIST and Fashion+MNIST, two tasks of ten classes each.

Sabour, Frosst & Hinton, "Dynamic routing between capsules" (NeurIPS 2017), in the form of Sener & Koltun, "Multi-task
learning as multi-objective optimization" (NeurIPS 2018): on a 36×36 canvas the *left* object lies at rows and columns 0–27,
an independently drawn *right* one at 6–33; the brighter pixel wins; the nearest-neighbour reduction to 28×28 is the image.
Row k of it shows row ⌊(k + ½)·36/28⌋ of the canvas, as in PIL, which they use (`Image.NEAREST`).

Deviations: their heads have a hidden layer, 50→50→10; those that the models here get are linear, 50→10. Validation images are
cut from the published training images (the papers have none), and partners are drawn within a split, so no source image
occurs in two splits. When fewer images are asked for than the sources have, each source image is the left (and the right)
object at most once.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_utils import randomness
from mtl_utils._checks import check_positive
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.datasets.pools import draw, source_pools
from mtl_utils.datasets.sources import Source, load_source
from mtl_utils.datasets.splits import Splits
from mtl_utils.tasks import classification

_CANVAS, _IMAGE, _SHIFT = 36, 28, 6
# Row (or column) k of the reduced image shows row floor((k + 1/2)·36/28) of the canvas.
_SHOWN = (2 * torch.arange(_IMAGE) + 1) * _CANVAS // (2 * _IMAGE)
_CHUNK = 4096
_MOST = 10_000_000  # 8 GB


def multi_mnist(train: int = 50_000, val: int = 10_000, test: int = 10_000, *, seed: int = 0) -> Splits:
    """MultiMNIST: a digit on the left over a digit on the right. Tasks `left` and `right`.

    Args:
        train, val, test: how many images; any size (beyond the sources' 50,000/10,000/10,000, objects occur again).
        seed: chooses source images and partners.

    Examples:
        >>> pairs = multi_mnist(train=60, val=20, test=20)
        >>> [task.name for task in pairs.tasks]
        ['left', 'right']
        >>> tuple(pairs.train.images.shape)
        (60, 1, 28, 28)
    """
    return _two_objects("MultiMNIST", ("MNIST", "MNIST"), (train, val, test), seed)


def multi_fashion_mnist(train: int = 50_000, val: int = 10_000, test: int = 10_000, *, seed: int = 0) -> Splits:
    """MultiFashionMNIST: two pieces of clothing. Tasks `left` and `right`. Arguments as for `multi_mnist`.

    Example:
        >>> multi_fashion_mnist(train=60, val=20, test=20)
        MultiFashionMNIST: 60 / 20 / 20 images to train / validate / test; tasks: left, right
    """
    return _two_objects("MultiFashionMNIST", ("FashionMNIST", "FashionMNIST"), (train, val, test), seed)


def fashion_and_mnist(train: int = 50_000, val: int = 10_000, test: int = 10_000, *, seed: int = 0) -> Splits:
    """Fashion+MNIST: clothing on the left, a digit on the right. Tasks `left` and `right`. Arguments as for `multi_mnist`.

    Example:
        >>> train = fashion_and_mnist(train=60, val=20, test=20).train
        >>> train.task('left').class_names[:2], train.task('right').class_names[:2]
        (('T-shirt', 'trousers'), ('0', '1'))
    """
    return _two_objects("Fashion+MNIST", ("FashionMNIST", "MNIST"), (train, val, test), seed)


def overlay(left: Tensor, right: Tensor, left_index: Tensor, right_index: Tensor) -> Tensor:
    """Put pairs of 28×28 objects into one 28×28 image each.

    Args:
        left: `uint8` `[L, 28, 28]`, the sources of left objects.
        right: `uint8` `[R, 28, 28]`, the sources of right objects.
        left_index: `[N]`, which left object goes into each image.
        right_index: `[N]`, which right object.

    Returns:
        `uint8` `[N, 1, 28, 28]`.

    Example:
        >>> objects = torch.full((2, 28, 28), 100, dtype=torch.uint8)
        >>> tuple(overlay(objects, objects, torch.tensor([0, 1, 1]), torch.tensor([1, 0, 1])).shape)
        (3, 1, 28, 28)
    """
    inside = _SHOWN < _IMAGE
    shifted = (_SHOWN >= _SHIFT) & (_SHOWN < _SHIFT + _IMAGE)
    left_rows, right_rows = _SHOWN[inside], _SHOWN[shifted] - _SHIFT
    left_end, right_start = int(inside.sum()), int(shifted.int().argmax())
    right_end = right_start + int(shifted.sum())
    images = torch.zeros(len(left_index), 1, _IMAGE, _IMAGE, dtype=torch.uint8)
    # A few thousand at a time: the work is vectorized, and what is in memory besides the result stays small.
    for start in range(0, len(left_index), _CHUNK):
        part = slice(start, start + _CHUNK)
        canvas = images[part, 0]
        canvas[:, :left_end, :left_end] = left[left_index[part]][:, left_rows][:, :, left_rows]
        window = canvas[:, right_start:right_end, right_start:right_end]
        torch.maximum(window, right[right_index[part]][:, right_rows][:, :, right_rows], out=window)
    return images


def _two_objects(name: str, kinds: tuple[str, str], sizes: tuple[int, int, int], seed: int) -> Splits:
    for part, size in zip(("train", "val", "test"), sizes, strict=True):
        if check_positive(f"{name}: the number of {part} images", size) > _MOST:
            raise ValueError(f"{name}: {size:,} {part} images are more than {_MOST:,}, and would not fit into memory")
    generator = randomness.generator(seed)
    published = {kind: load_source(kind, train=True) for kind in kinds}
    pools = source_pools(generator)  # one cut for both kinds
    splits = {
        part: _pair(kinds, published, pools[part], size, generator)
        for part, size in zip(("train", "val"), sizes[:2], strict=True)
    }
    published = {kind: load_source(kind, train=False) for kind in kinds}
    splits["test"] = _pair(kinds, published, pools["test"], sizes[2], generator)
    return Splits(name, **splits)


def _pair(
    kinds: tuple[str, str], published: dict[str, Source], pool: Tensor, size: int, generator: torch.Generator
) -> MultiTaskDataset:
    left, right = published[kinds[0]], published[kinds[1]]
    left_index, right_index = (draw(pool, size, generator) for _ in range(2))
    return MultiTaskDataset(
        overlay(left.images, right.images, left_index, right_index),
        {"left": left.labels[left_index], "right": right.labels[right_index]},
        [classification("left", left.class_names), classification("right", right.class_names)],
    )
