"""Small folders of pictures, made for one test each."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

RED, GREEN, BLUE = (200, 30, 20), (20, 180, 40), (30, 40, 210)
COLORS = {"red": RED, "green": GREEN, "blue": BLUE}


def save(path: Path, color=RED, size=(12, 10), *, number: int = 0) -> Path:
    """A picture of one color (height and width in `size`), with a corner that tells pictures apart."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((*size, 3), dtype=np.uint8)
    pixels[:] = color
    pixels[0, 0] = (number % 256, number // 256 % 256, 77)
    Image.fromarray(pixels).save(path)
    return path


def write(path: Path, rows: Sequence[Sequence[object]], **arguments) -> Path:
    encoding = arguments.pop("encoding", "utf-8")
    with path.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, **arguments).writerows(rows)
    return path


def colored(folder: Path, count: int = 30, suffix: str = "png") -> list[list[object]]:
    """A folder of `count` pictures with a table; returns its rows, the header first."""
    rows: list[list[object]] = [["file", "color", "brightness"]]
    for number in range(count):
        name = list(COLORS)[number % 3]
        save(folder / f"p{number:03}.{suffix}", COLORS[name], number=number)
        rows.append([f"p{number:03}.{suffix}", name, round(0.5 + number / 7, 3)])
    write(folder / "labels.csv", rows)
    return rows
