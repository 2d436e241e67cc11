"""torchvision's own data sets as multi-task data: Oxford-IIIT Pet and CelebA. Downloaded only when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torchvision.datasets import CelebA, OxfordIIITPet

from mtl_utils.datasets.folders.assembling import Found, Problems, assemble
from mtl_utils.datasets.folders.framing import Fit
from mtl_utils.datasets.folders.loading import Reading
from mtl_utils.datasets.folders.masks import MaskFolder
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.datasets.folders.splits import FolderSplits
from mtl_utils.datasets.pixels import Normalization
from mtl_utils.tasks import Task, classification

PET_PIXELS = ("pet", "background", "border")  # 1, 2 and 3 in the trimaps


def oxford_pets(
    root: str | Path,
    *,
    download: bool = False,
    size: int = 224,
    fit: Fit = "crop",
    normalization: Normalization | None = None,
    val: float = 0.15,
    memory: float = 2.0,
    problems: Problems = "raise",
    seed: int = 0,
    progress: bool = True,
) -> FolderSplits:
    """Oxford-IIIT Pet (Parkhi et al., CVPR 2012): 7,349 images with the tasks `breed` (37), `species` (2) and `segmentation`.

    Its published test half is the test split; validation is drawn from the other half.

    Args:
        root: the folder that holds `oxford-iiit-pet`.
        download: whether to fetch it (800 MB) where it is not there.
        size, fit, memory, progress: see `Reading`.
        normalization, val, problems, seed: as for `from_table`.

    Raises:
        FolderError: if it is not there, and `download` is off.

    Example:
        >>> oxford_pets('photos')  # there is no such folder
        Traceback (most recent call last):
        mtl_utils.datasets.folders.problems.FolderError: OxfordIIITPet cannot be opened in photos ... download=True fetches it
    """
    root = Path(root)
    files: list[Path] = []
    breeds: list[int] = []
    species: list[int] = []
    parts: list[str] = []
    names: list[str] = []
    for part, split in (("train", "trainval"), ("test", "test")):
        published = _published(OxfordIIITPet, root, split, ("category", "binary-category"), download)
        files += [Path(file) for file in published._images]
        breeds += published._labels
        species += published._bin_labels
        parts += [part] * len(published._images)
        names = names or published.classes
    tasks: list[Task] = [classification("breed", names), classification("species", ["cat", "dog"])]
    targets = {"breed": torch.tensor(breeds), "species": torch.tensor(species)}
    base = root / "oxford-iiit-pet"
    masks = {"segmentation": MaskFolder(base / "annotations" / "trimaps", PET_PIXELS, (1, 2, 3), others=True)}
    found = Found("Oxford-IIIT Pet", base / "images", files, tasks, targets, masks, parts=parts)
    reading = Reading(size, fit, True, memory, None, progress)
    return assemble(found, reading, val=val, test=0.15, seed=seed, problems=problems, normalization=normalization)


def celeba(
    root: str | Path,
    attributes: Sequence[str] = ("Smiling", "Eyeglasses", "Male", "Young"),
    *,
    download: bool = False,
    size: int = 64,
    fit: Fit = "crop",
    normalization: Normalization | None = None,
    memory: float = 2.0,
    problems: Problems = "raise",
    progress: bool = True,
) -> FolderSplits:
    """CelebA (Liu et al., ICCV 2015): 202,599 faces, each attribute a task of two classes. The splits are the published ones.

    The labels are impressions of annotators ("attractive", "young"), not facts about people.

    Args:
        root: the folder that holds `celeba`.
        attributes: which ones, by their names in CelebA.
        download: whether to fetch it (1.4 GB) where it is not there.
        size, fit, memory, problems, progress: see `Reading`.
        normalization: as for `from_table`.

    Raises:
        FolderError: if it is not there and `download` is off, or has no such attribute.

    Example:
        >>> celeba('photos', ['Smiling', 'Young'])  # there is no such folder
        Traceback (most recent call last):
        mtl_utils.datasets.folders.problems.FolderError: CelebA cannot be opened in photos ... download=True fetches it
    """
    files: list[Path] = []
    parts: list[str] = []
    values = []
    for part, split in (("train", "train"), ("val", "valid"), ("test", "test")):
        published = _published(CelebA, root, split, "attr", download)
        known = [name for name in published.attr_names if name]
        if unknown := [name for name in attributes if name not in known]:
            raise FolderError(f"CelebA has no attribute '{unknown[0]}'; it has {', '.join(known)}")
        files += [Path(root) / "celeba" / "img_align_celeba" / name for name in published.filename]
        parts += [part] * len(published.filename)
        values.append(published.attr[:, [published.attr_names.index(name) for name in attributes]])
    table = torch.cat(values)
    tasks: list[Task] = [classification(name, [f"not {name}", name]) for name in attributes]
    targets = {name: table[:, number].long() for number, name in enumerate(attributes)}
    found = Found("CelebA", Path(root) / "celeba" / "img_align_celeba", files, tasks, targets, parts=parts)
    reading = Reading(size, fit, True, memory, None, progress)
    return assemble(found, reading, val=0.15, test=0.15, seed=0, problems=problems, normalization=normalization)


def _published(kind: type[Any], root: str | Path, split: str, target: Any, download: bool) -> Any:
    """A data set of torchvision; a `FolderError` with what to do where it is not there."""
    try:
        return kind(root, split, target, download=download)
    except RuntimeError as error:
        raise FolderError(f"{kind.__name__} cannot be opened in {root} ({error}); download=True fetches it") from error
