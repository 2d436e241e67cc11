"""From what a reader found to splits: images are decoded, problems told, splits drawn, and everything is checked."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.datasets.folders.boxes import BoxLabels
from mtl_utils.datasets.folders.loading import Reading, load_images
from mtl_utils.datasets.folders.pixel_folder import PixelFolder
from mtl_utils.datasets.folders.pixel_maps import load_maps
from mtl_utils.datasets.folders.problems import FolderError, listed
from mtl_utils.datasets.folders.splits import FolderSplits
from mtl_utils.datasets.folders.splitting import PARTS, check_classes, check_groups, check_objects, check_parts, draw_parts
from mtl_utils.datasets.on_demand import OnDemand, some_rows
from mtl_utils.datasets.pixels import Normalization
from mtl_utils.tasks import Task, check_tasks

Problems = Literal["raise", "skip"]


@dataclass
class Found:
    """What a reader found, one entry for each picture.

    Attributes:
        name: of the data set.
        folder: which the names are relative to.
        files: the pictures.
        tasks, targets: what the labels say.
        masks: for tasks with a label per pixel.
        boxes: for tasks that detect objects.
        parts: `train`, `val` or `test` for each, where the folder says so.
        groups: pictures of one group stay in one split.
        skipped: what the reader has left out already.
    """

    name: str
    folder: Path
    files: list[Path]
    tasks: list[Task]
    targets: dict[str, Tensor]
    masks: Mapping[str, PixelFolder] = field(default_factory=dict)
    boxes: Mapping[str, BoxLabels] = field(default_factory=dict)
    parts: list[str] | None = None
    groups: list[str] | None = None
    skipped: list[str] = field(default_factory=list)

    def names(self) -> list[str]:
        """Of the pictures, relative to the folder where they lie in it."""
        return [(file.relative_to(self.folder) if file.is_relative_to(self.folder) else file).as_posix() for file in self.files]

    def keep(self, rows: Sequence[int]) -> None:
        """These pictures only."""
        self.files = [self.files[row] for row in rows]
        self.targets = {name: target[list(rows)] for name, target in self.targets.items()}
        self.parts = None if self.parts is None else [self.parts[row] for row in rows]
        self.groups = None if self.groups is None else [self.groups[row] for row in rows]
        for labels in self.boxes.values():
            labels.keep(rows)


def assemble(
    found: Found,
    reading: Reading,
    *,
    val: float,
    test: float,
    seed: int,
    problems: Problems,
    normalization: Normalization | None,
) -> FolderSplits:
    """Splits of what was found.

    Raises:
        FolderError: lists all files that cannot be read, or says what else does not fit.
    """
    if problems not in ("raise", "skip"):
        raise ValueError(f"problems= must be 'raise' or 'skip', not {problems!r}")
    if not 0 < val < 1 or not 0 < test < 1 or val + test >= 1:
        raise ValueError(f"val= and test= are shares above 0 that leave something to train on, not {val!r} and {test!r}")
    if not found.files:
        raise FolderError(f"there is no image in {found.folder}")
    images, sizes, moments, wrong = load_images(found.files, reading)
    shape = (images.shape[2], images.shape[3])
    maps: dict[str, Tensor | OnDemand] = {}
    for name, folder in found.masks.items():
        # A picture that cannot be decoded has no size that its mask could be compared with.
        files = [None if row in wrong else mask for row, mask in enumerate(folder.files(found.names(), found.folder))]
        maps[name], bad = load_maps(folder, files, sizes, shape, reading)
        wrong = {**bad, **wrong}
    for labels in found.boxes.values():
        wrong = {**labels.problems(found.files, sizes), **wrong}
    if wrong:
        texts = [wrong[row] for row in sorted(wrong)]
        if problems == "raise":
            raise FolderError(
                f"{len(texts)} of {len(found.files):,} images cannot be used (problems='skip' leaves them out)", texts
            )
        found.skipped += texts
        kept = [row for row in range(len(found.files)) if row not in wrong]
        rows = torch.tensor(kept, dtype=torch.long)
        images, moments = some_rows(images, rows), moments[rows]
        maps = {name: some_rows(values, rows) for name, values in maps.items()}
        sizes = [sizes[row] for row in kept]
        found.keep(kept)
    for name, labels in found.boxes.items():
        maps[name], notes = labels.targets(found.names(), sizes, shape, reading.fit, reading.memory)
        found.skipped += notes
    if found.skipped:
        warnings.warn(listed(f"{len(found.skipped)} left out", found.skipped), stacklevel=3)
    if not found.files:
        raise FolderError(f"no image in {found.folder} can be used")
    of_masks = [folder.task(name) for name, folder in found.masks.items()]
    tasks = check_tasks([*found.tasks, *of_masks, *(labels.task for labels in found.boxes.values())])
    copies, of_bytes = _copies(found.files)
    parts = _parts(found, of_bytes, val, test, seed)
    names = found.names()
    for group in copies:
        if len({parts[number] for number in group}) > 1:
            where = ", ".join(f"{names[number]} ({parts[number]})" for number in group)
            warnings.warn(f"the same picture is in two splits, so the test is too easy: {where}", stacklevel=3)
    check_parts(parts)
    check_classes(parts, found.tasks, found.targets, names)
    for labels in found.boxes.values():
        check_objects(parts, labels.task, labels.classes_of(), names)
    rows_of = {part: torch.tensor([number for number, each in enumerate(parts) if each == part]) for part in PARTS}
    if normalization is None:
        normalization = _normalization(moments[rows_of["train"]], shape)
    values = {**found.targets, **maps}
    made = {
        part: MultiTaskDataset(
            some_rows(images, rows),
            {name: some_rows(values[name], rows) for name in values},
            tasks,
            normalization=normalization,
        )
        for part, rows in rows_of.items()
    }
    return FolderSplits(
        found.name,
        **made,
        files={part: tuple(found.files[number] for number in rows.tolist()) for part, rows in rows_of.items()},
        sizes={part: tuple(sizes[number] for number in rows.tolist()) for part, rows in rows_of.items()},
        copies=tuple(tuple(found.files[number] for number in group) for group in copies),
        skipped=tuple(found.skipped),
        fit=reading.fit,
        color=reading.color,
    )


def _copies(files: Sequence[Path]) -> tuple[list[list[int]], list[int]]:
    """Lists of files with the same bytes; and for each file the first one with its bytes."""
    first: dict[bytes, int] = {}
    of_bytes = []
    for number, file in enumerate(files):
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").digest()
        of_bytes.append(first.setdefault(digest, number))
    members: dict[int, list[int]] = {}
    for number, leader in enumerate(of_bytes):
        members.setdefault(leader, []).append(number)
    return [group for group in members.values() if len(group) > 1], of_bytes


def _parts(found: Found, of_bytes: Sequence[int], val: float, test: float, seed: int) -> list[str]:
    """The split of each picture: as the folder says, and what it does not say drawn from its training pictures."""
    parts = list(found.parts) if found.parts is not None else ["train"] * len(found.files)
    lacking = [part for part in PARTS[1:] if part not in parts]
    groups = found.groups if found.groups is not None else [str(number) for number in range(len(found.files))]
    if found.parts is not None:
        check_groups(parts, groups, found.names())
    if not lacking:
        return parts
    # A picture and its copies are one group, joined with the groups that they belong to.
    leader: dict[str, str] = {}

    def head(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    for number, copy in enumerate(of_bytes):
        leader[head(f"group {groups[number]}")] = head(f"bytes {copy}")
    joined = [head(f"group {name}") for name in groups]
    pool = [number for number, part in enumerate(parts) if part == "train"]
    fixed = {joined[number] for number, part in enumerate(parts) if part != "train"}
    pool = [number for number in pool if joined[number] not in fixed]
    place = {number: where for where, number in enumerate(pool)}
    first = next((found.targets[task.name] for task in found.tasks if task.is_classification), None)
    keep = [
        {place[number] for number in torch.nonzero(found.targets[task.name] == value).flatten().tolist() if number in place}
        for task in found.tasks
        if task.is_classification
        for value in range(task.output_size)
    ]
    for labels in found.boxes.values():
        shown = labels.classes_of()
        keep += [
            {place[number] for number, classes in enumerate(shown) if value in classes and number in place}
            for value in range(len(labels.task.classes))
        ]
    drawn = draw_parts(
        [joined[number] for number in pool],
        [0 if first is None else int(first[number]) for number in pool],
        val=val if "val" in lacking else 0.0,
        test=test if "test" in lacking else 0.0,
        seed=seed,
        keep=keep,
    )
    for number, part in zip(pool, drawn, strict=True):
        parts[number] = part
    return parts


def _normalization(moments: Tensor, shape: tuple[int, int]) -> Normalization:
    """Mean and standard deviation per channel, of pixel values from 0 to 1."""
    total = moments.sum(0).double() / (len(moments) * shape[0] * shape[1])
    mean = total[:, 0] / 255
    spread = (total[:, 1] / 255**2 - mean**2).clamp(min=0).sqrt().clamp(min=1 / 255)  # a constant channel has none
    return Normalization(tuple(mean.tolist()), tuple(spread.tolist()))
