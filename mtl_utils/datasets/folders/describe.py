"""One look at a folder before anything is trained: how many, what is missing, what is there twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mtl_utils.datasets.folders.splits import FolderSplits
from mtl_utils.datasets.folders.splitting import PARTS
from mtl_utils.datasets.moving_scenes.tasks import Detection
from mtl_utils.datasets.on_demand import OnDemand

if TYPE_CHECKING:
    import pandas as pd

MISSING = "(missing)"


@dataclass(frozen=True)
class Description:
    """What `describe` found.

    Attributes:
        labels: images by task and label (rows) and split (columns). For numbers the row says their range, per split how many;
            for boxes there is a row per class with its objects.
        sizes: height and width of the pictures with how many have them, the most frequent first.
        copies: files with the same bytes, with their splits.
        leaks: those of them that lie in two splits.
        skipped: what was left out.
    """

    labels: pd.DataFrame
    sizes: pd.DataFrame
    copies: tuple[tuple[str, ...], ...]
    leaks: tuple[tuple[str, ...], ...]
    skipped: tuple[str, ...]

    def __str__(self) -> str:
        sizes = ", ".join(f"{row.images} of {row.height}×{row.width}" for row in self.sizes.head(3).itertuples())
        others = len(self.sizes) - 3
        more = f" and {others} other size{'s' if others > 1 else ''}" if others > 0 else ""
        lines = [self.labels.to_string(), "", f"sizes: {sizes}{more}"]
        lines.append(f"the same picture more than once: {len(self.copies)}" + (f", {self.copies}" if self.copies else ""))
        lines.append(f"the same picture in two splits: {len(self.leaks)}" + (f", {self.leaks}" if self.leaks else ""))
        lines.append(f"left out: {len(self.skipped)}")
        return "\n".join(lines)


def describe(splits: FolderSplits) -> Description:
    """Labels by split, sizes, copies and leaks of a data set that was read from a folder.

    Example:
        >>> import tempfile
        >>> from mtl_utils import datasets
        >>> folder = datasets.write_example_folder(tempfile.mkdtemp(), items=20)
        >>> found = describe(datasets.from_table(folder, tasks=['stain'], size=32, progress=False))
        >>> found.labels.index.tolist()
        [('stain', 'no'), ('stain', 'yes'), ('stain', '(missing)')]
    """
    import pandas as pd

    rows: dict[tuple[str, str], dict[str, int]] = {}
    for task in splits.tasks:
        for part in PARTS:
            target = getattr(splits, part).targets[task.name]
            if isinstance(target, OnDemand):
                count = len(target) if target.labelled is None else int(target.labelled.sum())
                rows.setdefault((task.name, "masks"), {})[part] = count
                rows.setdefault((task.name, MISSING), {})[part] = len(target) - count
                continue
            present = task.labelled(target).reshape(len(target), -1).any(1)
            if task.is_classification and task.stride is None:
                for number in range(task.output_size):
                    name = task.class_names[number] if task.class_names else str(number)
                    rows.setdefault((task.name, name), {})[part] = int((target == number).sum())
            elif isinstance(task, Detection):
                heat = task.split(target).heat
                for number, name in enumerate(task.classes):
                    rows.setdefault((task.name, f"{name} (objects)"), {})[part] = int((heat[:, number] == 1).sum())
            elif task.stride is not None:
                rows.setdefault((task.name, "masks"), {})[part] = int(present.sum())
            else:
                values = torch.cat([getattr(splits, each).targets[task.name] for each in PARTS])
                values = values[~torch.isnan(values)]
                rows.setdefault((task.name, f"{values.min():g} to {values.max():g}"), {})[part] = int(present.sum())
            rows.setdefault((task.name, MISSING), {})[part] = int((~present).sum())
    labels = pd.DataFrame.from_dict(rows, orient="index")[list(PARTS)]
    labels.index = pd.MultiIndex.from_tuples(labels.index, names=["task", "label"])
    found = pd.DataFrame([size for part in PARTS for size in splits.sizes[part]], columns=["height", "width"])
    sizes = found.value_counts().rename("images").reset_index()
    part_of: dict[Path, str] = {file: part for part, files in splits.files.items() for file in files}
    copies = [tuple(f"{file.name} ({part_of[file]})" for file in group) for group in splits.copies]
    leaks = [names for names, group in zip(copies, splits.copies, strict=True) if len({part_of[file] for file in group}) > 1]
    return Description(labels, sizes, tuple(copies), tuple(leaks), splits.skipped)
