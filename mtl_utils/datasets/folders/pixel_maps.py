"""Per-pixel labels of many pictures at once: framed as their pictures, in memory if they fit, else batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from mtl_utils.datasets.folders.decoding import ImageFileError
from mtl_utils.datasets.folders.framing import frame
from mtl_utils.datasets.folders.loading import Reading, spread, with_bar
from mtl_utils.datasets.folders.pixel_folder import PixelFolder
from mtl_utils.datasets.on_demand import OnDemand


def load_maps(
    labels: PixelFolder,
    files: Sequence[Path | None],
    sizes: Sequence[tuple[int, int]],
    shape: tuple[int, int],
    reading: Reading,
) -> tuple[Tensor | OnDemand, dict[int, str]]:
    """Labels of all pictures, and what is wrong with them, by their number.

    Args:
        labels: says what the numbers in the files mean.
        files: for each picture its label image, `None` where it has none.
        sizes: height and width of the pictures.
        shape: height and width of the result.
        reading: how to read.

    Returns:
        Classes `int16` `[N, H, W]`, or values `float32` `[N, 1, H, W]`; and problems.
    """
    read_file = labels.reader()
    row_shape = shape if not labels.dtype.is_floating_point else (1, *shape)
    missing = torch.full(row_shape, labels.missing, dtype=labels.dtype)

    def read(file: Path | None, size: tuple[int, int]) -> Tensor:
        if file is None:
            return missing
        found = read_file(file)
        if tuple(found.shape) != size:
            here = f"{found.shape[0]}×{found.shape[1]}"
            raise ImageFileError(f"{file}: the mask is {here} pixels, its picture {size[0]}×{size[1]}; they must agree")
        return frame(size, shape, reading.fit).mask(found, labels.missing).view(row_shape)

    def one(number: int) -> Tensor | str:
        try:
            return read(files[number], sizes[number])
        except ImageFileError as error:
            return str(error)

    fits = missing.nbytes * len(files) <= reading.memory * 1e9
    maps = torch.zeros(len(files) if fits else 0, *row_shape, dtype=labels.dtype)
    problems = {}
    numbers = range(len(files))
    for number, found in enumerate(with_bar(spread(one, numbers, reading.workers), numbers, reading)):
        if isinstance(found, str):
            problems[number] = found
        elif fits:
            maps[number] = found
    if fits:
        return maps, problems

    def some(rows: Sequence[int]) -> Tensor:
        made = list(spread(lambda row: read(files[row], sizes[row]), rows, reading.workers))
        return torch.stack(made) if made else torch.zeros(0, *row_shape, dtype=labels.dtype)

    labelled = torch.tensor([file is not None for file in files], dtype=torch.bool)
    return OnDemand(some, torch.arange(len(files)), row_shape, labels.dtype, labelled), problems
