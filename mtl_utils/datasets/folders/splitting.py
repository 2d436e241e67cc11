"""Which image goes into which split, so that what belongs together stays together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mtl_utils import randomness
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.datasets.moving_scenes.tasks import Detection
from mtl_utils.tasks import Task

PARTS = ("train", "val", "test")
_WORDS = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip


def read_split_column(name: str, cells: Sequence[str], where: Sequence[str]) -> list[str]:
    """`train`, `val` or `test` for each row; a `FolderError` that lists the lines that say something else."""
    parts = [_WORDS.get(cell.strip().lower(), "") for cell in cells]
    if unknown := [f"{where[row]}: {cells[row][:40]!r}" for row, part in enumerate(parts) if not part]:
        raise FolderError(f"column '{name}' must say train, val or test in every row", unknown)
    return parts


def draw_parts(
    groups: Sequence[str], strata: Sequence[int], *, val: float, test: float, seed: int, keep: Sequence[set[int]] = ()
) -> list[str]:
    """A split for each image, drawn by chance: whole groups, and from every stratum the same share.

    Args:
        groups: images of one group stay in one split.
        strata: for each image a number; images with the same number are dealt out in proportion.
        val, test: shares of the images.
        seed: decides the draw.
        keep: sets of images of which at least one must be in `train`, such as the images of a rare class.
    """
    generator = randomness.generator(seed)
    members: dict[str, list[int]] = {}
    for image, group in enumerate(groups):
        members.setdefault(group, []).append(image)
    names = list(members)
    names = [names[number] for number in torch.randperm(len(names), generator=generator).tolist()]
    names.sort(key=lambda name: strata[members[name][0]])  # stable: within a stratum the order stays by chance
    parts = [""] * len(groups)
    # Each group goes where most is wanting, so that the shares are right within every stratum and over all.
    wanted = {"test": test, "val": val, "train": 1 - val - test}
    given = dict.fromkeys(wanted, 0)
    done = 0
    for name in names:
        done += len(members[name])
        part = max(wanted, key=lambda each: (wanted[each] * done - given[each], wanted[each]))
        given[part] += len(members[name])
        for image in members[name]:
            parts[image] = part
    for images in keep:
        if images and not any(parts[image] == "train" for image in images):
            moved = groups[min(images)]
            for image in members[moved]:
                parts[image] = "train"
    return parts


def check_parts(parts: Sequence[str], needed: Sequence[str] = PARTS) -> None:
    """Raise a `FolderError` if a split has no image."""
    for part in needed:
        if part not in parts:
            raise FolderError(
                f"no image is left for the split '{part}' ({len(parts)} images in all): give more images, or other shares"
            )


def check_groups(parts: Sequence[str], groups: Sequence[str], names: Sequence[str]) -> None:
    """Raise a `FolderError` that lists the groups which lie in two splits."""
    first: dict[str, int] = {}
    wrong = {}
    for image, group in enumerate(groups):
        other = first.setdefault(group, image)
        if parts[other] != parts[image]:
            wrong[group] = f"group {group}: {names[other]} is in {parts[other]}, {names[image]} in {parts[image]}"
    if wrong:
        raise FolderError("images of one group lie in two splits, so the test would be too easy", list(wrong.values()))


def check_classes(parts: Sequence[str], tasks: Sequence[Task], targets: Mapping[str, Tensor], names: Sequence[str]) -> None:
    """Raise a `FolderError` that lists the classes which no training image has, but a validation or test image."""
    train = torch.tensor([part == "train" for part in parts])
    wrong = []
    for task in tasks:
        if task.stride is not None:
            continue
        target = targets[task.name]
        labelled = task.labelled(target).reshape(len(target), -1).any(1)
        if not labelled[train].any():
            wrong.append(f"task '{task.name}': no training image has a label")
        elif task.is_classification:
            known = set(target[train & labelled].tolist())
            for number in sorted(set(target[~train & labelled].tolist()) - known):
                image = int(torch.nonzero(~train & (target == number))[0])
                title = task.class_names[number] if task.class_names else str(number)
                wrong.append(f"task '{task.name}': class '{title}' is in {parts[image]} only, such as {names[image]}")
    if wrong:
        raise FolderError("what no training image shows cannot be learned", wrong)


def check_objects(parts: Sequence[str], task: Detection, classes: Sequence[set[int]], names: Sequence[str]) -> None:
    """As `check_classes`, for the classes of the objects in each picture."""
    known = {value for part, found in zip(parts, classes, strict=True) if part == "train" for value in found}
    if not known:
        raise FolderError(f"task '{task.name}': no training image has a box, so nothing can be learned")
    first: dict[int, int] = {}
    for image, found in enumerate(classes):
        for value in found - known:
            first.setdefault(value, image)
    wrong = [
        f"task '{task.name}': class '{task.classes[value]}' is in {parts[image]} only, such as {names[image]}"
        for value, image in sorted(first.items())
    ]
    if wrong:
        raise FolderError("what no training image shows cannot be learned", wrong)
