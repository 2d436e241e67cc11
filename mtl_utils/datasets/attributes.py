"""More tasks about digits whose class is known: whether they are even, large, or have a loop."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.datasets.digits import ATTRIBUTES
from mtl_utils.datasets.splits import Splits
from mtl_utils.tasks import classification


def with_attributes(splits: Splits, task: str, attributes: Sequence[str] = ("even", "large", "loop")) -> Splits:
    """The same images with a task of two classes more for each attribute of the digit that `task` names, such as `left_even`.

    Args:
        splits: images of digits, such as `multi_mnist()`.
        task: a task of ten classes, the digits from 0 to 9.
        attributes: some of `even`, `large` (5 or more) and `loop` (0, 6, 8, 9).

    Raises:
        ValueError: if there is no such task or attribute, or the task does not have ten classes.

    Example:
        >>> from mtl_utils import datasets
        >>> pairs = with_attributes(datasets.multi_mnist(60, 20, 20), 'left', ['even'])
        >>> [task.name for task in pairs.tasks]
        ['left', 'right', 'left_even']
    """
    chosen = [each for each in splits.tasks if each.name == task]
    if not chosen or chosen[0].output_size != 10 or not chosen[0].is_classification:
        raise ValueError(f"attributes belong to a task of the ten digits; the tasks are {[each.name for each in splits.tasks]}")
    if unknown := [name for name in attributes if name not in ATTRIBUTES]:
        raise ValueError(f"no attribute is called {unknown[0]!r}; there are {', '.join(ATTRIBUTES)}")

    def more(split: MultiTaskDataset) -> MultiTaskDataset:
        digit = split.targets[task]
        targets = dict(split.targets)
        for name in attributes:
            has = torch.isin(digit, torch.tensor(ATTRIBUTES[name])).long()
            targets[f"{task}_{name}"] = torch.where(digit == -100, digit, has)
        added = [classification(f"{task}_{name}", (f"not {name}", name)) for name in attributes]
        return MultiTaskDataset(split.images, targets, [*split.tasks, *added], normalization=split.normalization)

    return Splits(splits.name, more(splits.train), more(splits.val), more(splits.test))
