"""What a model says about image files that have no labels, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mtl_utils.datasets.batches import EVALUATION_BATCH
from mtl_utils.datasets.folders.framing import frame
from mtl_utils.datasets.folders.loading import Loaded, Reading, load_images
from mtl_utils.datasets.folders.paths import image_files
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.datasets.folders.splits import FolderSplits
from mtl_utils.datasets.moving_scenes.tasks import Detection
from mtl_utils.datasets.pixels import Pixels
from mtl_utils.device import device_of
from mtl_utils.models.forward import evaluation_mode, output_of, outputs_of
from mtl_utils.tasks import Task

if TYPE_CHECKING:
    import pandas as pd


def predict_files(
    model: nn.Module, files: str | Path | Iterable[str | Path], like: FolderSplits, *, batch_size: int = EVALUATION_BATCH
) -> pd.DataFrame:
    """What the model says about image files that have no labels, as a table with one row per file.

    Args:
        model: was trained on `like`.
        files: one image, several, or a folder (with the folders in it).
        like: says how the images are read and normalized, and what the tasks are. Take the splits of the training, or ones
            that were read in the same `size`: a model without fully connected layers answers about any size, but worse.
        batch_size: images per forward pass.

    Returns:
        The columns `file`; for each classification its class name under the task's name, and the probability of that class
        (by softmax; it may be too sure) as `<task> probability`; for each regression its value. Tasks with a map of answers are
        left out (for boxes there is `predict_boxes`). A file that cannot be decoded has its reason in the column `problem`, and
        no answers.

    Raises:
        FolderError: if there is no image.

    Example:
        >>> import tempfile
        >>> from mtl_utils import datasets, models
        >>> folder = datasets.write_example_folder(tempfile.mkdtemp(), items=40)
        >>> splits = datasets.from_table(folder, tasks=['color', 'light'], size=32, progress=False)
        >>> model = models.hard_sharing(models.lenet, splits)
        >>> list(predict_files(model, splits.files['test'][:2], like=splits).columns)
        ['file', 'color', 'color probability', 'light']
    """
    import pandas as pd

    paths, (images, _, _, problems) = _images_of(files, like)
    device = device_of(model)
    pixels = Pixels(torch.zeros(0), like.train.normalization)
    rows: list[dict[str, object]] = []
    with evaluation_mode(model), torch.inference_mode():
        for start in range(0, len(paths), batch_size):
            outputs = outputs_of(model, pixels.normalize(images[start : start + batch_size], device))
            for row in range(len(next(iter(outputs.values())))):
                rows.append(_answers(like.tasks, outputs, row))
    table = pd.DataFrame(rows)
    table.insert(0, "file", [path.as_posix() for path in paths])
    if problems:
        table.loc[list(problems), table.columns[1:]] = None
        table["problem"] = [problems.get(number, "") for number in range(len(paths))]
    return table


def predict_boxes(
    model: nn.Module,
    files: str | Path | Iterable[str | Path],
    like: FolderSplits,
    task: str | None = None,
    *,
    threshold: float = 0.3,
    batch_size: int = EVALUATION_BATCH,
) -> pd.DataFrame:
    """The objects that the model finds in image files, as a table with one row per object.

    Args:
        model, files, like, batch_size: as for `predict_files`.
        task: name of the detection; the only one by default.
        threshold: lowest score that counts.

    Returns:
        The columns `file`, `class`, `score`, and `x0`, `y0`, `x1`, `y1` in pixels of the file (turned as its EXIF says). A file
        without objects has no row.

    Raises:
        FolderError: if there is no image, or one that cannot be decoded.
        ValueError: if there is no such detection.

    Example:
        >>> import tempfile
        >>> from mtl_utils import datasets, models
        >>> folder = datasets.write_example_boxes(tempfile.mkdtemp(), pictures=20)
        >>> splits = datasets.from_coco(folder, 'boxes.json', size=None, progress=False)
        >>> model = models.scene_network(splits, channels=(8, 16, 32), width=8, hidden=8)
        >>> list(predict_boxes(model, splits.files['test'][:2], like=splits).columns)
        ['file', 'class', 'score', 'x0', 'y0', 'x1', 'y1']
    """
    import pandas as pd

    detections = [each for each in like.tasks if isinstance(each, Detection) and task in (None, each.name)]
    if len(detections) != 1:
        raise ValueError(f"name one detection in task=; of {[each.name for each in like.tasks]} these are: {detections}")
    paths, (images, sizes, _, problems) = _images_of(files, like)
    if problems:
        raise FolderError("images cannot be decoded", list(problems.values()))
    _, *shape = like.image_shape
    device, pixels = device_of(model), Pixels(torch.zeros(0), like.train.normalization)
    rows: list[dict[str, object]] = []
    with evaluation_mode(model), torch.inference_mode():
        for start in range(0, len(paths), batch_size):
            outputs = outputs_of(model, pixels.normalize(images[start : start + batch_size], device))
            found = detections[0].boxes(
                output_of(outputs, detections[0]).cpu(), threshold=threshold, image_size=(shape[0], shape[1])
            )
            for number, each in enumerate(found, start):
                boxes = frame(sizes[number], (shape[0], shape[1]), like.fit).boxes_back(each.boxes)
                for cls, score, box in zip(each.classes.tolist(), each.scores.tolist(), boxes.tolist(), strict=True):
                    place = dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))
                    rows.append(
                        {"file": paths[number].as_posix(), "class": detections[0].classes[cls], "score": score, **place}
                    )
    return pd.DataFrame(rows, columns=["file", "class", "score", "x0", "y0", "x1", "y1"])


def _images_of(files: str | Path | Iterable[str | Path], like: FolderSplits) -> tuple[list[Path], Loaded]:
    """Paths, and what is in them, read as the images of `like`."""
    if isinstance(files, str | Path):
        files = image_files(Path(files)) if Path(files).is_dir() else [files]
    paths = [Path(file) for file in files]
    if not paths:
        raise FolderError("there is no image to predict for")
    _, height, width = like.image_shape
    return paths, load_images(paths, Reading((height, width), like.fit, like.color))


def _answers(tasks: Sequence[Task], outputs: dict[str, Tensor], row: int) -> dict[str, object]:
    """What the outputs say about one image, in words and numbers."""
    found: dict[str, object] = {}
    for task in tasks:
        if task.stride is not None:
            continue
        output = output_of(outputs, task)[row]
        if task.is_classification:
            share, number = output.softmax(0).max(0)
            found[task.name] = task.class_names[int(number)] if task.class_names else int(number)
            found[f"{task.name} probability"] = float(share)
        elif task.output_size == 1:
            found[task.name] = float(output)
        else:
            found |= {f"{task.name} {number}": float(value) for number, value in enumerate(output)}
    return found
