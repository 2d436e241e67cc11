"""Many image files at once: into memory if they fit, else batch by batch, with the same results."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from mtl_utils._checks import is_whole
from mtl_utils.datasets.folders.decoding import ImageFileError, decode, decode_framed
from mtl_utils.datasets.folders.framing import FITS, Fit
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.datasets.on_demand import OnDemand
from mtl_utils.datasets.pixels import count_pixels

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Reading:
    """How image files are read.

    Attributes:
        size: height and width of all images (one number for both); `None` if they have one size already.
        fit: how they come to this size: `crop`, `pad` or `stretch`.
        color: three channels, or one.
        memory: how many gigabytes decoded images may take. More than that is decoded batch by batch.
        workers: threads that decode; as many as the process may use by default.
        progress: whether to show a bar.
    """

    size: int | tuple[int, int] | None = 224
    fit: Fit = "crop"
    color: bool = True
    memory: float = 2.0
    workers: int | None = None
    progress: bool = True

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise ValueError(f"fit= must be one of {', '.join(FITS)}, not {self.fit!r}")
        if self.size is not None and not _is_side(self.size):
            sides = tuple(self.size) if isinstance(self.size, Sequence) and not isinstance(self.size, str) else ()
            if len(sides) != 2 or not all(_is_side(side) for side in sides):
                raise ValueError(f"size= must be a whole number of pixels, (height, width) or None, not {self.size!r}")
        if not self.memory >= 0:
            raise ValueError(f"memory= must be a number of gigabytes, not {self.memory!r}")

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of all images, where they are stated."""
        height, width = self.size if isinstance(self.size, Sequence) else (self.size, self.size)
        return int(height), int(width)  # type: ignore[arg-type]


def _is_side(side: object) -> bool:
    return is_whole(side) and side >= 1


class Loaded(NamedTuple):
    """Images from files.

    Attributes:
        images: `uint8` `[N, C, H, W]`.
        sizes: height and width of the pictures in the files.
        moments: `int64` `[N, C, 2]`, the sum of the pixels of each image and channel, and the sum of their squares.
        problems: what is wrong with those that cannot be decoded, by their number.
    """

    images: Tensor | OnDemand
    sizes: list[tuple[int, int]]
    moments: Tensor
    problems: dict[int, str]


def load_images(files: Sequence[Path], reading: Reading) -> Loaded:
    """All images of some files.

    Every file is decoded once here, also where they do not fit into memory, so that a damaged one is found before the training.

    Raises:
        FolderError: if they have several sizes, and `reading` does not say to which one they shall come.
    """
    shape = _first_size(files) if reading.size is None else reading.shape
    channels = 3 if reading.color else 1

    def one(file: Path) -> tuple[Tensor, tuple[int, int], Tensor] | str:
        try:
            image, size = decode_framed(file, shape, reading.fit, reading.color)
        except ImageFileError as error:
            return str(error)
        return image, size, _moments(image)

    fits = len(files) * channels * shape[0] * shape[1] <= reading.memory * 1e9
    images = torch.zeros(len(files) if fits else 0, channels, *shape, dtype=torch.uint8)
    moments = torch.zeros(len(files), channels, 2, dtype=torch.int64)
    sizes, problems = [(0, 0)] * len(files), {}
    for number, found in enumerate(with_bar(spread(one, files, reading.workers), files, reading)):
        if isinstance(found, str):
            problems[number] = found
            continue
        if fits:
            images[number] = found[0]
        sizes[number], moments[number] = found[1:]
    if reading.size is None:
        _check_one_size(files, sizes, shape)
    if fits:
        return Loaded(images, sizes, moments, problems)

    def some(numbers: Sequence[int]) -> Tensor:
        chosen = [files[number] for number in numbers]
        made = list(spread(lambda file: decode(file, shape, fit=reading.fit, color=reading.color), chosen, reading.workers))
        return torch.stack(made) if made else torch.zeros(0, channels, *shape, dtype=torch.uint8)

    return Loaded(OnDemand(some, torch.arange(len(files)), (channels, *shape), torch.uint8), sizes, moments, problems)


def _first_size(files: Sequence[Path]) -> tuple[int, int]:
    """Height and width of the first picture that can be decoded."""
    for file in files:
        try:
            image = decode(file)
            return image.shape[1], image.shape[2]
        except ImageFileError:
            continue
    raise FolderError("no image can be read", [str(file) for file in files])


def _check_one_size(files: Sequence[Path], sizes: Sequence[tuple[int, int]], shape: tuple[int, int]) -> None:
    other = [f"{file}: {size[0]}×{size[1]}" for file, size in zip(files, sizes, strict=True) if size not in ((0, 0), shape)]
    if other:
        raise FolderError(
            f"the first image is {shape[0]}×{shape[1]} pixels, others are not; give size=, such as size=224", other
        )


def _moments(image: Tensor) -> Tensor:
    """Sum and sum of squares of the pixels of each channel, exact: `int64` `[C, 2]`."""
    values = torch.arange(256)
    return torch.stack([count @ torch.stack([values, values**2], 1) for count in count_pixels(image[None])])


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(make: Callable[[Item], Made], items: Sequence[Item], workers: int | None) -> Iterator[Made]:
    """`make(item)` for each, in order, by several threads: decoders let go of Python's lock."""
    with ThreadPoolExecutor(workers or cores(), thread_name_prefix="decode") as pool:
        yield from pool.map(make, items)


def with_bar(found: Iterator[Made], items: Sequence[object], reading: Reading) -> Iterator[Made]:
    """The same items, with a progress bar."""
    from tqdm.auto import tqdm

    # Shown after a second only, so that small folders leave notebooks quiet.
    yield from tqdm(found, total=len(items), unit="image", delay=1, leave=False, disable=not reading.progress)
