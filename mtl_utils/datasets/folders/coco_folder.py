"""A folder of pictures with boxes in COCO's format, and perhaps a label image for each picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mtl_utils.datasets.folders.assembling import Found, Problems, assemble
from mtl_utils.datasets.folders.boxes import BoxLabels
from mtl_utils.datasets.folders.coco import CocoBoxes, read_coco
from mtl_utils.datasets.folders.framing import Fit
from mtl_utils.datasets.folders.loading import Reading
from mtl_utils.datasets.folders.paths import existing_folder, image_files
from mtl_utils.datasets.folders.pixel_folder import PixelFolder
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.datasets.folders.splits import FolderSplits
from mtl_utils.datasets.folders.splitting import PARTS
from mtl_utils.datasets.pixels import Normalization


def from_coco(
    folder: str | Path,
    annotations: str | Path | Mapping[str, str | Path] = "annotations.json",
    *,
    task: str = "objects",
    stride: int = 4,
    seen: float = 0.25,
    masks: Mapping[str, PixelFolder] | None = None,
    val: float = 0.15,
    test: float = 0.15,
    size: int | tuple[int, int] | None = 224,
    fit: Fit = "pad",
    color: bool = True,
    normalization: Normalization | None = None,
    memory: float = 2.0,
    problems: Problems = "raise",
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> FolderSplits:
    """A detection task from pictures with boxes, for `models.scene_network` or any model with a head on a grid.

    For boxes beside other labels from a table see `from_table(…, boxes=…)`.

    Args:
        folder: with the images, also in sub-folders.
        annotations: a JSON file in COCO's format, in the folder or elsewhere; or one for each split, such as
            `{"train": "train.json", "test": "test.json"}`. Splits that are not named are drawn from the training pictures.
            Pictures that no file names are not used, and counted in a warning.
        task: the task's name.
        stride: height and width of a cell of the grid, in pixels of the images as they are learned.
        seen: a box is learned if at least this share of it is left where `fit="crop"` cuts the picture.
        masks: further tasks with a label per pixel, as for `from_table`.
        val, test: shares of images that are drawn.
        size, fit, color, memory, workers, progress: see `Reading`. `pad` by default, so that no box is cut off.
        normalization: `IMAGENET` for pretrained encoders; measured on the training images by default.
        problems: `raise` an error that lists all files which cannot be used, or `skip` them and warn.
        seed: decides the draw.

    Raises:
        FolderError: if something is not as it must be; names the file, the annotation or the picture.

    Example:
        >>> import tempfile
        >>> from mtl_utils import datasets
        >>> folder = datasets.write_example_boxes(tempfile.mkdtemp(), pictures=20)  # images, and boxes.json
        >>> splits = from_coco(folder, 'boxes.json', size=32, progress=False)
        >>> splits.tasks[0].classes
        ('trousers', 'sneaker', 'bag')
    """
    folder = existing_folder(folder)
    if masks and task in masks:
        raise FolderError(f"'{task}' is the boxes' name and a folder of masks; each task needs a name of its own")
    given = dict(annotations) if isinstance(annotations, Mapping) else {"train": annotations}
    if "train" not in given or any(part not in PARTS for part in given):
        raise FolderError(f"annotations= takes a file, or a file for train and some of {', '.join(PARTS)}, not {list(given)}")
    read = {part: read_coco(_found(folder, path), folder) for part, path in given.items()}
    joined, parts = _joined(read)
    labels = BoxLabels.of(task, joined, range(len(joined.files)), stride, seen)
    found = Found(
        folder.name, folder, list(joined.files), [], {}, dict(masks or {}), {task: labels}, parts if len(given) > 1 else None
    )
    aside = [(folder / each.folder).resolve() for each in (masks or {}).values()]
    used = {file.resolve() for file in joined.files}
    others = [file for file in map(Path.resolve, image_files(folder)) if not any(file.is_relative_to(place) for place in aside)]
    if unused := [file for file in others if file not in used]:
        found.skipped.append(f"{len(unused):,} pictures that no file of boxes names, such as {unused[0].name}")
    reading = Reading(size, fit, color, memory, workers, progress)
    return assemble(found, reading, val=val, test=test, seed=seed, problems=problems, normalization=normalization)


def _found(folder: Path, path: str | Path) -> Path:
    """A file in the folder, or elsewhere."""
    return folder / path if (folder / path).exists() or not Path(path).exists() else Path(path)


def _joined(read: Mapping[str, CocoBoxes]) -> tuple[CocoBoxes, list[str]]:
    """Several files as one, and the split of each picture. Classes are numbered as in the training file."""
    names = read["train"].class_names
    owner: dict[Path, str] = {}
    wrong = []
    for part, each in read.items():
        wrong += [f"{part}: the class '{name}' is not among those of train" for name in each.class_names if name not in names]
        for file in each.files:
            if owner.setdefault(file.resolve(), part) != part:
                wrong.append(f"{file} is in {owner[file.resolve()]} and in {part}")
    if wrong:
        raise FolderError("the files of boxes do not fit each other", wrong)
    parts = [part for part, each in read.items() for _ in each.files]
    classes = []
    for each in read.values():
        numbers = [names.index(name) for name in each.class_names]
        classes += [found.clone().apply_(lambda value, numbers=numbers: numbers[value]) for found in each.classes]
    return CocoBoxes(
        tuple(file for each in read.values() for file in each.files),
        tuple(boxes for each in read.values() for boxes in each.boxes),
        tuple(classes),
        names,
        tuple(size for each in read.values() for size in each.sizes),
    ), parts
