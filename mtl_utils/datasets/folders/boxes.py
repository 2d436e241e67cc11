"""Boxes of the objects in a folder's pictures: from a COCO file to the targets of a detection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mtl_utils.datasets.folders.coco import CocoBoxes, read_coco
from mtl_utils.datasets.folders.framing import Fit, Frame, frame
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.datasets.moving_scenes.box_targets import Boxes, box_targets, in_shared_cells
from mtl_utils.datasets.moving_scenes.tasks import Detection, detection
from mtl_utils.datasets.moving_scenes.visible import visible
from mtl_utils.datasets.on_demand import OnDemand

_SEEN = 0.25  # as in moving scenes


@dataclass(frozen=True)
class BoxFile:
    """Where the boxes of a task lie, and which of them are learned.

    Attributes:
        file: a COCO JSON file, in the folder of the pictures, or a path of its own. Each `file_name` is relative to the folder
            of the pictures. A picture that it does not name has a missing label; one that it names without boxes is empty.
        stride: height and width of a cell of the grid, in pixels of the images as they are learned; 4 for
            `models.scene_network`.
        seen: a box is learned if at least this share of it is left where `fit="crop"` cuts the picture; 0 to 1.
        others: whether the file may name pictures that have no row in the table.

    Example:
        >>> import tempfile
        >>> import pandas as pd
        >>> from mtl_utils import datasets
        >>> folder = datasets.write_example_boxes(tempfile.mkdtemp(), pictures=20)
        >>> names = sorted(file.name for file in folder.glob('*.png'))
        >>> pd.DataFrame({'file': names, 'light': range(len(names))}).to_csv(folder / 'labels.csv', index=False)
        >>> splits = datasets.from_table(folder, boxes={'objects': BoxFile('boxes.json')}, size=32, progress=False)
        >>> [task.name for task in splits.tasks]
        ['light', 'objects']
    """

    file: str | Path
    stride: int = 4
    seen: float = _SEEN
    others: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.seen <= 1:
            raise FolderError(f"seen= is a share above 0, at most 1, not {self.seen!r}")

    def read(self, name: str, pictures: Sequence[Path], folder: Path) -> BoxLabels:
        """The boxes of these pictures, as the task `name`.

        Raises:
            FolderError: if the file does not fit the folder (see `read_coco`), or names pictures that are none of these.
        """
        path = Path(self.file) if Path(self.file).is_absolute() or not (folder / self.file).exists() else folder / self.file
        found = read_coco(path if path.exists() else folder / self.file, folder)
        rows = {file.resolve(): row for row, file in enumerate(found.files)}
        places = [rows.pop(picture.resolve(), None) for picture in pictures]
        if all(place is None for place in places):
            raise FolderError(f"{path} names none of the pictures; it begins with {found.files[0]}")
        if rows and not self.others:
            raise FolderError(
                f"{path} names pictures that have no row (BoxFile(…, others=True) allows it)", [str(file) for file in rows]
            )
        return BoxLabels.of(name, found, places, self.stride, self.seen)


class BoxLabels:
    """The boxes of some pictures, in pixels of their files, on the way to targets.

    Args:
        task: the detection.
        boxes: for each picture; `None` where it has no labels.
        sizes: for each picture its height and width as the file of boxes states them; `None` where it does not.
        seen: share of a box that must be left.
    """

    def __init__(
        self, task: Detection, boxes: list[Boxes | None], sizes: list[tuple[int, int] | None], seen: float = _SEEN
    ) -> None:
        self.task, self.boxes, self.sizes, self.seen = task, boxes, sizes, seen

    @classmethod
    def of(cls, name: str, found: CocoBoxes, places: Sequence[int | None], stride: int = 4, seen: float = _SEEN) -> BoxLabels:
        """From what was read: `places` says, for each picture, which of the pictures in `found` it is."""
        return cls(
            detection(name, found.class_names, stride=stride),
            [None if place is None else Boxes(found.boxes[place], found.classes[place]) for place in places],
            [None if place is None else found.sizes[place] for place in places],
            seen,
        )

    def keep(self, rows: Sequence[int]) -> None:
        """These pictures only."""
        self.boxes, self.sizes = [self.boxes[row] for row in rows], [self.sizes[row] for row in rows]

    def classes_of(self) -> list[set[int]]:
        """The classes that are in each picture."""
        return [set() if boxes is None else set(boxes.classes.tolist()) for boxes in self.boxes]

    def problems(self, files: Sequence[Path], sizes: Sequence[tuple[int, int]]) -> dict[int, str]:
        """What does not fit the pictures, whose heights and widths are `sizes`, by their number."""
        wrong = {}
        for row, (boxes, stated, size) in enumerate(zip(self.boxes, self.sizes, sizes, strict=True)):
            if boxes is None or size == (0, 0):  # it could not be decoded, which is said already
                continue
            if stated is not None and stated != size:
                hint = "; perhaps EXIF turns it, and the boxes lie in the picture that is not turned"
                found = f"the picture is {size[0]}×{size[1]} pixels, the file of boxes says {stated[0]}×{stated[1]}"
                wrong[row] = f"{files[row]}: {found}{hint if stated == size[::-1] else ''}"
            elif len(boxes.corners) and bool((boxes.corners > torch.tensor([size[1], size[0]] * 2) + 1).any()):
                wrong[row] = f"{files[row]}: a box lies outside of the picture of {size[0]}×{size[1]} pixels"
        return wrong

    def targets(
        self, names: Sequence[str], sizes: Sequence[tuple[int, int]], shape: tuple[int, int], fit: Fit, memory: float
    ) -> tuple[Tensor | OnDemand, list[str]]:
        """Targets of all pictures, made batch by batch if they take more than `memory` gigabytes; and which boxes are lost."""
        framed: list[Boxes | None] = []
        notes = []
        for name, boxes, size in zip(names, self.boxes, sizes, strict=True):
            if boxes is None:
                framed.append(None)
                continue
            moved = _framed(boxes, frame(size, shape, fit), self.seen)
            if cut := len(boxes.classes) - len(moved.classes):
                notes.append(f"{name}: fit='{fit}' cuts off {cut} of {len(boxes.classes)} boxes; fit='pad' keeps them")
            if lost := in_shared_cells(self.task, moved):
                notes.append(
                    f"{name}: {lost} of {len(boxes.classes)} boxes share a cell of {self.task.stride}×{self.task.stride} "
                    "pixels with a smaller one; a larger size= keeps them apart"
                )
            framed.append(moved)
        row = self.task.target_shape(1, shape)[1:]
        if 4 * len(framed) * torch.Size(row).numel() <= memory * 1e9:
            return box_targets(self.task, framed, shape), notes

        def some(rows: Sequence[int]) -> Tensor:
            return box_targets(self.task, [framed[row] for row in rows], shape)

        labelled = torch.tensor([boxes is not None for boxes in framed], dtype=torch.bool)
        return OnDemand(some, torch.arange(len(framed)), row, torch.float32, labelled), notes


def _framed(boxes: Boxes, to: Frame, seen: float) -> Boxes:
    """Boxes in the framed picture, without those of which too little is left."""
    (rows, columns), (height, width) = to.original, to.scaled
    whole = boxes.corners * torch.tensor([width / columns, height / rows] * 2)
    whole = whole + torch.tensor([to.left, to.top] * 2)
    cut = to.boxes(boxes.corners)
    return Boxes(cut, boxes.classes).pick(visible(whole, cut, seen))
