"""A folder of images with a table of labels: a column of file names, then a column for each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mtl_utils.datasets.folders.assembling import Found, Problems, assemble
from mtl_utils.datasets.folders.boxes import BoxFile
from mtl_utils.datasets.folders.framing import Fit
from mtl_utils.datasets.folders.kinds import Kind, read_column
from mtl_utils.datasets.folders.loading import Reading
from mtl_utils.datasets.folders.paths import existing_folder, find_file, image_files
from mtl_utils.datasets.folders.pixel_folder import PixelFolder
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.datasets.folders.splits import FolderSplits
from mtl_utils.datasets.folders.splitting import read_split_column
from mtl_utils.datasets.folders.table import Table, read_table
from mtl_utils.datasets.pixels import Normalization


def from_table(
    folder: str | Path,
    table: str | Path = "labels.csv",
    *,
    file: str = "file",
    tasks: Sequence[str] | Mapping[str, Kind | None] | None = None,
    split: str = "split",
    group: str | None = "group",
    masks: Mapping[str, PixelFolder] | None = None,
    boxes: Mapping[str, BoxFile] | None = None,
    val: float = 0.15,
    test: float = 0.15,
    size: int | tuple[int, int] | None = 224,
    fit: Fit = "crop",
    color: bool = True,
    normalization: Normalization | None = None,
    memory: float = 2.0,
    problems: Problems = "raise",
    seed: int = 0,
    encoding: str = "utf-8",
    workers: int | None = None,
    progress: bool = True,
) -> FolderSplits:
    """Several tasks from a folder of images and a CSV table.

    An empty cell is a missing label. What kind of task a column is, is inferred (see `read_column`); print the splits' `tasks`.

    Args:
        folder: with the images, also in sub-folders.
        table: a CSV file, in the folder or elsewhere.
        file: the column with file names, relative to the folder.
        tasks: the columns to learn from, in order; or for each its kind: `"classification"`, `"regression"`, the class names,
            a `Task`, or `None` to infer it. All other columns by default.
        split: a column that says train, val or test; if there is no column `split`, or it says nothing of val or test, they are
            drawn. Another name must be there.
        group: a column with, say, a person or a film: images of one group stay in one split. If there is no column `group`,
            each image is its own group. Another name must be there; `None` keeps nothing together.
        masks: tasks with a label per pixel: `{"segmentation": MaskFolder("masks", ["background", "cat"])}` for classes,
            `{"depth": ValueFolder("depth", scale=0.001)}` for real values.
        boxes: tasks that find objects, such as `{"objects": BoxFile("boxes.json")}`, a file in COCO's format.
        val, test: shares of images that are drawn; copies of a picture stay in one split.
        size, fit, color, memory, workers, progress: see `Reading`.
        normalization: `IMAGENET` for pretrained encoders; measured on the training images by default.
        problems: `raise` an error that lists all files and lines which cannot be used, or `skip` them and warn.
        seed: decides the draw.
        encoding: of the table.

    Raises:
        FolderError: if something is not as it must be; names the file, the line or the column.

    Example:
        >>> import tempfile
        >>> from mtl_utils import datasets
        >>> folder = datasets.write_example_folder(tempfile.mkdtemp(), items=20)  # images, and labels.csv
        >>> splits = from_table(folder, tasks=['color', 'light'], group='item', size=32, progress=False)
        >>> [(task.name, task.kind) for task in splits.tasks]
        [('color', 'classification'), ('light', 'regression')]
    """
    folder = existing_folder(folder)
    path = next((path for path in (folder / table, Path(table)) if path.exists()), None)
    if path is None:
        raise FolderError(f"there is no table {folder / table}; table= takes another name, or the path of a table elsewhere")
    cells = read_table(path, encoding=encoding)
    masks, boxes = dict(masks or {}), dict(boxes or {})
    if both := [name for name in masks if name in boxes]:
        raise FolderError(f"'{both[0]}' is a folder of masks and a file of boxes; each task needs a name of its own")
    for name, usual in ((split, "split"), (group, "group")):
        if name not in (None, usual):
            cells.column(name, usual)  # must be there: a misspelled group would let its pictures leak into the test
    rows, files, skipped = _rows(folder, cells, file, masks, problems)
    made, targets = [], {}
    for name, kind in _wanted(cells, tasks, {file, split, group}, [*masks, *boxes]).items():
        column = cells.column(name)
        task, target = read_column(
            name, [column[row] for row in rows], [cells.where(row) for row in rows], kind, comma=cells.separator in ";\t"
        )
        made.append(task)
        targets[task.name] = target
    labels = {name: each.read(name, files, folder) for name, each in boxes.items()}
    found = Found(folder.name, folder, files, made, targets, masks, labels, skipped=skipped)
    if split in cells.columns:
        found.parts = read_split_column(split, [cells.columns[split][row] for row in rows], [cells.where(row) for row in rows])
    if group is not None and group in cells.columns:
        # An empty cell is a group of its own.
        names = [cells.columns[group][row].strip() for row in rows]
        found.groups = [f"'{name}'" if name else f"line {cells.lines[row]}" for name, row in zip(names, rows, strict=True)]
    reading = Reading(size, fit, color, memory, workers, progress)
    return assemble(found, reading, val=val, test=test, seed=seed, problems=problems, normalization=normalization)


def _wanted(
    cells: Table, tasks: Sequence[str] | Mapping[str, Kind | None] | None, reserved: set[str | None], others: Sequence[str]
) -> dict[str, Kind | None]:
    """The columns to learn from, with their kinds."""
    if isinstance(tasks, str):
        raise FolderError(f"tasks= takes a list of columns, such as ['{tasks}'], not a text")
    if tasks is None:
        wanted: dict[str, Kind | None] = {name: None for name in cells.columns if name not in reserved}
    elif isinstance(tasks, Mapping):
        wanted = dict(tasks)
    else:
        wanted = dict.fromkeys(tasks)
    if both := [name for name in wanted if name in others]:
        raise FolderError(f"'{both[0]}' is a column, and masks or boxes have this name; each task needs a name of its own")
    if not wanted and not others:
        raise FolderError(f"{cells.path} has no column to learn from beside {', '.join(cells.columns)}")
    return wanted


def _rows(
    folder: Path, cells: Table, file: str, masks: Mapping[str, PixelFolder], problems: Problems
) -> tuple[list[int], list[Path], list[str]]:
    """Rows that name an image, their files, and what was left out. Raises a `FolderError` that lists all that is wrong."""
    rows: list[int] = []
    files: list[Path] = []
    wrong: list[str] = []
    fatal: list[str] = []
    seen: dict[Path, int] = {}
    for row, name in enumerate(cells.column(file, "file")):
        found = find_file(folder, name)
        if isinstance(found, str):
            (fatal if "leads out" in found or "absolute" in found else wrong).append(f"{cells.where(row)}: {found}")
            continue
        first = seen.setdefault(found.resolve(), row)
        if first != row:
            fatal.append(f"{cells.where(row)}: '{name}' has a row already, in {cells.where(first)}; keep one of them")
            continue
        rows.append(row)
        files.append(found)
    aside = [(folder / each.folder).resolve() for each in masks.values()]
    for path in image_files(folder):
        real = path.resolve()
        if real not in seen and not any(real.is_relative_to(place) for place in aside):
            wrong.append(f"{path.relative_to(folder).as_posix()} has no row in {cells.path.name}")
    if fatal or (wrong and problems == "raise"):
        hint = "" if fatal else " (problems='skip' leaves them out)"
        raise FolderError(f"{cells.path} and the images do not fit each other{hint}", fatal + wrong)
    if not rows:
        raise FolderError(f"{cells.path} has no row with an image", wrong)
    return rows, files, wrong
