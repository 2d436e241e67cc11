"""A small folder of pictures with boxes to practise on: things that lie on a table, and a file in COCO's format."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from PIL import Image

from mtl_utils import randomness
from mtl_utils._checks import check_positive
from mtl_utils.datasets.folders.paths import new_folder
from mtl_utils.datasets.moving_scenes.looks import cut_out
from mtl_utils.datasets.sources import load_source

THINGS = {1: "trousers", 7: "sneaker", 8: "bag"}  # by their number in Fashion-MNIST
HEIGHT, WIDTH, _SLOT = 64, 96, 32  # a thing in each third, so that none hides another
_SIDE = 28  # of the published images


def write_example_boxes(folder: str | Path, pictures: int = 200, *, seed: int = 0) -> Path:
    """Photographs of none to three things on a table, 64×96 pixels, and `boxes.json` in COCO's format.

    The things are published training images of Fashion-MNIST (trousers, sneakers and bags), in colors by chance.

    Args:
        folder: where to write; made if it is not there, else it must be empty.
        pictures: how many.
        seed: decides everything that is left to chance.

    Raises:
        FolderError: if the folder has something in it already. Nothing is overwritten.

    Example:
        >>> import tempfile
        >>> folder = write_example_boxes(tempfile.mkdtemp(), pictures=10)
        >>> (folder / 'boxes.json').is_file()
        True
    """
    check_positive("the number of pictures", pictures)
    folder = new_folder(folder)
    generator = randomness.generator(seed)
    source = load_source("FashionMNIST", train=True)
    pools = [torch.nonzero(source.labels == number).flatten() for number in THINGS]
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number in range(pictures):
        table = 0.4 + 0.2 * torch.rand((), generator=generator) + 0.04 * torch.randn(3, HEIGHT, WIDTH, generator=generator)
        for slot in range(WIDTH // _SLOT):
            kind, there = int(torch.randint(len(THINGS), (), generator=generator)), torch.rand((), generator=generator) < 0.55
            if not there:
                continue
            chosen = pools[kind][torch.randint(len(pools[kind]), (), generator=generator)]
            opacity, brightness = cut_out(source.images[chosen], "FashionMNIST")
            y = int(torch.randint(HEIGHT - _SIDE + 1, (), generator=generator))
            x = _SLOT * slot + int(torch.randint(_SLOT - _SIDE + 1, (), generator=generator))
            color = (0.25 + 0.7 * torch.rand(3, generator=generator)).view(3, 1, 1)
            part = table[:, y : y + _SIDE, x : x + _SIDE]
            part.copy_(part * (1 - opacity) + color * brightness * opacity)
            rows, columns = torch.nonzero(opacity > 0.5, as_tuple=True)
            left, top = x + int(columns.min()), y + int(rows.min())
            width, height = int(columns.max() - columns.min()) + 1, int(rows.max() - rows.min()) + 1
            annotations.append(
                {"id": len(annotations), "image_id": number, "category_id": kind, "bbox": [left, top, width, height]}
            )
        name = f"table {number:03}.png"
        Image.fromarray((table * 255).clamp(0, 255).byte().movedim(0, -1).numpy()).save(folder / name)
        images.append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in enumerate(THINGS.values())],
    }
    (folder / "boxes.json").write_text(json.dumps(content), encoding="utf-8")
    return folder
