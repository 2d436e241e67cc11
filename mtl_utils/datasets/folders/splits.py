"""A data set from a folder: splits that know their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mtl_utils.datasets.folders.framing import Fit
from mtl_utils.datasets.splits import Splits


@dataclass(frozen=True, repr=False)
class FolderSplits(Splits):
    """Splits whose images come from files.

    Attributes:
        files: for each of `train`, `val` and `test` the files of its images, in order.
        sizes: for each split height and width of the pictures as they lie in the files.
        copies: files with the same bytes, in lists of two or more.
        skipped: what was left out and why, where that was allowed.
        fit, color: how the files are read.
    """

    files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    sizes: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    copies: tuple[tuple[Path, ...], ...] = ()
    skipped: tuple[str, ...] = ()
    fit: Fit = "crop"
    color: bool = True
