"""MNIST and Fashion-MNIST as published, read from the archives in the data folder, whole and in memory.

The archives are read where they lie: nothing is extracted or written, so a read-only folder and many readers at a time
are the ordinary case, and a half-extracted file cannot exist.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchvision.datasets import MNIST, FashionMNIST

DATA_FOLDER_VARIABLE = "MTL_DATA"
_PUBLISHED: dict[str, type[MNIST]] = {"MNIST": MNIST, "FashionMNIST": FashionMNIST}
DIGIT_NAMES = tuple(str(digit) for digit in range(10))
CLOTHING_NAMES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
CLASS_NAMES = {"MNIST": DIGIT_NAMES, "FashionMNIST": CLOTHING_NAMES}


class DataFileError(RuntimeError):
    """A published data file is missing or damaged. The message says which, and how to get a sound one."""


class Source(NamedTuple):
    """Published images with their classes, in the published order.

    Attributes:
        images: `uint8` `[N, 28, 28]`.
        labels: `int64` `[N]`, 0 to 9.
        class_names: ten names.
    """

    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]


def data_folder() -> Path:
    """The data folder: the one that the environment variable `MTL_DATA` names, else `data` beside the package.

    Example:
        >>> (data_folder() / 'MNIST').is_dir()
        True
    """
    named = os.environ.get(DATA_FOLDER_VARIABLE)
    return Path(named).expanduser() if named else Path(__file__).resolve().parents[2] / "data"


def load_source(name: str, *, train: bool, folder: str | Path | None = None) -> Source:
    """The published training (60,000) or test (10,000) images of `MNIST` or `FashionMNIST`.

    Args:
        name: `"MNIST"` or `"FashionMNIST"`.
        train: Whether the training or the test part.
        folder: A data folder with `NAME/raw/*.gz`; `data_folder()` by default.

    Raises:
        DataFileError: if a file is missing or differs from the published one. No file is touched.

    Example:
        >>> digits = load_source('MNIST', train=False)
        >>> tuple(digits.images.shape), digits.labels[:3].tolist()
        ((10000, 28, 28), [7, 2, 1])
    """
    if name not in _PUBLISHED:
        raise ValueError(f"no source is called {name!r}; there are {' and '.join(_PUBLISHED)}")
    part = "train" if train else "t10k"
    raw = Path(folder if folder is not None else data_folder()) / name / "raw"
    images = _read_archive(raw / f"{part}-images-idx3-ubyte.gz", name)
    labels = _read_archive(raw / f"{part}-labels-idx1-ubyte.gz", name)
    return Source(
        torch.from_numpy(images[16:].reshape(-1, 28, 28)),
        torch.from_numpy(labels[8:].astype(np.int64)),
        CLASS_NAMES[name],
    )


def _read_archive(path: Path, name: str) -> np.ndarray:
    """The bytes of one published archive, once its MD5 is what torchvision lists for it."""
    expected = dict(_PUBLISHED[name].resources)[path.name]
    how_to_mend = (
        f"Restore it with `git checkout -- data/{name}` in the course's folder, or copy the published file there "
        f"(data/README.md says where it comes from), or name a folder that has it in the environment variable "
        f"{DATA_FOLDER_VARIABLE}."
    )
    if path.exists() and not path.is_file() and not path.is_dir():
        raise DataFileError(f"{name}: {path} is not a regular file (a pipe or a device), so it is not read. {how_to_mend}")
    try:
        archive = path.read_bytes()
    except FileNotFoundError:
        raise DataFileError(f"{name}: the data file {path} is missing. {how_to_mend}") from None
    except OSError as error:
        raise DataFileError(f"{name}: the data file {path} cannot be read ({error.strerror}). {how_to_mend}") from error
    found = hashlib.md5(archive, usedforsecurity=False).hexdigest()
    if found != expected:
        raise DataFileError(
            f"{name}: the data file {path} is damaged: {len(archive):,} bytes with MD5 {found}, expected {expected}. "
            f"{how_to_mend}"
        )
    # zlib.decompress writes into one buffer and is twice as fast as the gzip module, whose chunks are joined again.
    return np.frombuffer(bytearray(zlib.decompress(archive, wbits=zlib.MAX_WBITS | 16)), dtype=np.uint8)
