"""A small folder of pictures to practise on, written from the images in the repository: a shop's garments."""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from mtl_utils import randomness
from mtl_utils._checks import check_positive
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.datasets.folders.paths import new_folder
from mtl_utils.datasets.moving_scenes.looks import cut_out
from mtl_utils.datasets.pixels import Normalization
from mtl_utils.datasets.sources import load_source
from mtl_utils.tasks import classification

SIDE = 32
GARMENTS = {0: "T-shirt", 2: "pullover", 3: "dress", 4: "coat", 6: "shirt"}  # by their number in Fashion-MNIST
COLORS = {"red": (0.85, 0.25, 0.2), "green": (0.3, 0.7, 0.3), "blue": (0.25, 0.4, 0.85), "white": (0.9, 0.9, 0.9)}
_STAINED, _UNNAMED = 0.3, 0.4  # shares of stained garments, and of pictures without the garment's name


def write_example_folder(folder: str | Path, items: int = 350, *, seed: int = 0) -> Path:
    """Two photographs of each of many garments, and `labels.csv`, as a shop might have them.

    The garments are published training images of Fashion-MNIST, in color before a gray wall. Both photographs of a garment show
    the same image, the second one mirrored, in another light and at another place: near-copies, as own folders often have them.
    Half of the files are JPEG, half PNG. The table has semicolons and a byte-order mark, and the columns `file`, `garment`
    (empty for 4 in 10 pictures), `color`, `stain` (yes for 3 in 10 garments), `light` (a number) and `item`.

    Args:
        folder: where to write; made if it is not there, else it must be empty.
        items: how many garments, at most 30,000.
        seed: decides everything that is left to chance.

    Raises:
        FolderError: if the folder has something in it already. Nothing is overwritten.

    Example:
        >>> import tempfile
        >>> folder = write_example_folder(tempfile.mkdtemp(), items=10)
        >>> len(list(folder.glob('**/*.jpg'))) + len(list(folder.glob('**/*.png')))
        20
    """
    check_positive("the number of garments", items)
    folder = new_folder(folder)
    generator = randomness.generator(seed)
    images, labels = _garments(list(GARMENTS), items, generator)
    rows = [["file", "garment", "color", "stain", "light", "item"]]
    for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        color = list(COLORS)[int(torch.randint(len(COLORS), (), generator=generator))]
        stain = bool(torch.rand((), generator=generator) < _STAINED)
        for view in (1, 2):
            light = 0.6 + 0.6 * float(torch.rand((), generator=generator))
            seen = image if view == 1 else image.flip(-1)
            pixels = _photograph(seen, torch.tensor(COLORS[color]), light, stain, generator)
            name = f"item {number:03} view {view}.{'png' if number % 2 else 'jpg'}"
            Image.fromarray(pixels.movedim(0, -1).numpy()).save(folder / name, quality=92)
            named = bool(torch.rand((), generator=generator) >= _UNNAMED)
            garment = GARMENTS[label] if named else ""
            rows.append([name, garment, color, "yes" if stain else "no", f"{light:.2f}".replace(".", ","), f"{number:03}"])
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8-sig") as stream:
        csv.writer(stream, delimiter=";").writerows(rows)
    return folder


def other_pictures(count: int = 4000, *, normalization: Normalization | None = None, seed: int = 0) -> MultiTaskDataset:
    """Pictures of other things than the example folder's, to train an encoder before, as others do on published images.

    Trousers, sandals, sneakers, bags, boots and handwritten digits in colors by chance before the same wall; one task, `thing`.

    Args:
        count: how many pictures.
        normalization: that of the folder's training images.
        seed: decides everything that is left to chance.

    Example:
        >>> other_pictures(6)
        MultiTaskDataset(6 images of 3×32×32, tasks: thing)
    """
    check_positive("the number of pictures", count)
    generator = randomness.generator(seed)
    fashion = load_source("FashionMNIST", train=True)
    others = [number for number in range(10) if number not in GARMENTS]
    half = count // 2
    images, labels = _garments(others, count - half, generator)
    digits = load_source("MNIST", train=True)
    chosen = torch.randperm(len(digits.labels), generator=generator)[:half]
    every = torch.cat([images, digits.images[chosen]])
    classes = torch.cat([torch.tensor([others.index(label) for label in labels.tolist()]), digits.labels[chosen] + len(others)])
    colors = 0.25 + 0.7 * torch.rand(count, 3, generator=generator)
    pictures = torch.stack(
        [_photograph(image, color, 1.0, False, generator) for image, color in zip(every, colors, strict=True)]
    )
    names = [*(fashion.class_names[number] for number in others), *digits.class_names]
    return MultiTaskDataset(pictures, {"thing": classes}, [classification("thing", names)], normalization=normalization)


def _garments(classes: list[int], count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Different published training images of these classes, by chance, with their classes."""
    source = load_source("FashionMNIST", train=True)
    pool = torch.nonzero(torch.isin(source.labels, torch.tensor(classes))).flatten()
    if count > len(pool):
        raise ValueError(f"there are {len(pool):,} such images, {count:,} are asked for")
    chosen = pool[torch.randperm(len(pool), generator=generator)[:count]]
    return source.images[chosen], source.labels[chosen]


def _photograph(image: Tensor, color: Tensor, light: float, stain: bool, generator: torch.Generator) -> Tensor:
    """A 28×28 image in color before a wall, `uint8` `[3, SIDE, SIDE]`."""
    opacity, brightness = cut_out(image, "FashionMNIST")
    wall = 0.35 + 0.25 * torch.rand((), generator=generator) + 0.04 * torch.randn(3, SIDE, SIDE, generator=generator)
    look = color.view(3, 1, 1) * brightness
    if stain:
        top, left = torch.randint(10, 18, (2,), generator=generator).tolist()
        look[:, top : top + 3, left : left + 3] *= 0.4
    y, x = torch.randint(SIDE - 27, (2,), generator=generator).tolist()
    part = wall[:, y : y + 28, x : x + 28]
    part.copy_(part * (1 - opacity) + look * opacity)
    return (wall * light * 255).clamp(0, 255).byte()
