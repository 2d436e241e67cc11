"""A folder with one sub-folder per class: the layout of torchvision's `ImageFolder`."""

from __future__ import annotations

from pathlib import Path

import torch

from mtl_utils.datasets.folders.assembling import Found, Problems, assemble
from mtl_utils.datasets.folders.framing import Fit
from mtl_utils.datasets.folders.loading import Reading
from mtl_utils.datasets.folders.paths import check_inside, existing_folder, image_files
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.datasets.folders.splits import FolderSplits
from mtl_utils.datasets.pixels import Normalization
from mtl_utils.tasks import classification


def from_class_folders(
    train: str | Path,
    test: str | Path | float = 0.15,
    val: str | Path | float = 0.15,
    *,
    task: str = "class",
    size: int | tuple[int, int] | None = 224,
    fit: Fit = "crop",
    color: bool = True,
    normalization: Normalization | None = None,
    memory: float = 2.0,
    problems: Problems = "raise",
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> FolderSplits:
    """One task from folders with one sub-folder per class.

    Args:
        train: such as `photos/train`, with `photos/train/cat/….jpg` and `photos/train/dog/….jpg`.
        test: of the same layout, or a share of `train`.
        val: of the same layout, or a share of `train`.
        task: name of the task.
        size, fit, color, memory, workers, progress: see `Reading`.
        normalization: `IMAGENET` for pretrained encoders; measured on the training images by default.
        problems: `raise` an error that lists all files which cannot be read, or `skip` them and warn.
        seed: decides which images are drawn into a split.

    Raises:
        FolderError: if a folder, a class or a file is not as it must be; names it.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ('cat/1', 'cat/2', 'cat/3', 'dog/1', 'dog/2', 'dog/3'):
        ...     (folder / name).parent.mkdir(exist_ok=True)
        ...     Image.effect_noise((40, 30), 50).save(folder / f'{name}.png')
        >>> from_class_folders(folder, test=0.3, val=0.3, size=32, progress=False).tasks[0].class_names
        ('cat', 'dog')
    """
    folders = {"train": existing_folder(train)}
    shares = {"val": 0.15, "test": 0.15}
    for part, given in (("test", test), ("val", val)):
        if isinstance(given, str | Path):
            folders[part] = existing_folder(given)
        else:
            shares[part] = given
    by_class = {part: _by_class(folder) for part, folder in folders.items()}
    classes = list(by_class["train"])
    unknown = [
        f"{folders[part] / name}: not among the training classes {', '.join(classes)}"
        for part, found in by_class.items()
        for name in found
        if name not in classes
    ]
    if unknown:
        raise FolderError("what no training image shows cannot be learned", unknown)
    if len(classes) < 2:
        raise FolderError(f"{train} has one class only, '{classes[0]}': there is nothing to tell apart")
    files, targets, parts = [], [], []
    for part, found in by_class.items():
        for name, images in found.items():
            files += images
            targets += [classes.index(name)] * len(images)
            parts += [part] * len(images)
    made = Found(
        folders["train"].name, folders["train"], files, [classification(task, classes)], {task: torch.tensor(targets)},
        parts=parts if len(folders) > 1 else None,
    )  # fmt: skip
    reading = Reading(size, fit, color, memory, workers, progress)
    return assemble(made, reading, **shares, seed=seed, problems=problems, normalization=normalization)


def _by_class(folder: Path) -> dict[str, list[Path]]:
    """The images of each class, which has its name from a sub-folder."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not classes:
        raise FolderError(f"{folder} has no sub-folders; each class needs one, such as {folder / 'cat'}")
    check_inside(folder, classes)
    if loose := [str(path) for path in image_files(folder) if path.parent == folder]:
        raise FolderError(f"images in {folder} lie in no class; move each into the sub-folder of its class", loose)
    found = {path.name: image_files(path) for path in classes}
    if empty := [str(folder / name) for name, files in found.items() if not files]:
        raise FolderError("these folders have no image in them", empty)
    return found
