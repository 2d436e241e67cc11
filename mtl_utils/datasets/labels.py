"""The quality of labels: wrong ones and missing ones, put in on purpose to see what they do."""

from __future__ import annotations

from numbers import Integral

import torch

from mtl_utils import randomness
from mtl_utils.datasets.dataset import MultiTaskDataset


def with_label_noise(split: MultiTaskDataset, task: str, share: float, *, seed: int = 0) -> MultiTaskDataset:
    """A split (images not copied) in which a share of one classification task's labels is wrong.

    A wrong label is drawn uniformly from the *other* classes ("symmetric noise without the true class"). Missing labels
    stay missing.

    Args:
        split: the split to spoil; it is not changed.
        task: name of a task whose kind is `classification`.
        share: share of the labelled images whose label becomes wrong, 0 to 1.
        seed: chooses the images and their wrong labels.

    Example:
        >>> from mtl_utils import datasets
        >>> train = datasets.multi_mnist(60, 20, 20).train
        >>> noisy = with_label_noise(train, 'left', 0.5)
        >>> int((noisy.targets['left'] != train.targets['left']).sum())
        30
    """
    chosen = _one_split(split).task(task)
    if not chosen.is_classification or chosen.stride is not None:
        raise ValueError(f"task '{task}' is a {chosen.kind}; label noise is defined for classification only")
    if not 0 <= share <= 1:
        raise ValueError(f"task '{task}': the share of wrong labels must be from 0 to 1, not {share!r}")
    generator = randomness.generator(seed)
    target = split.targets[task].clone()
    labelled = torch.nonzero(chosen.labelled(target)).flatten()
    spoiled = labelled[torch.randperm(len(labelled), generator=generator)[: round(share * len(labelled))]]
    # Adding 1 to classes-1 (modulo classes) reaches every class but the true one, each equally often.
    shift = torch.randint(1, chosen.output_size, (len(spoiled),), generator=generator)
    target[spoiled] = ((target[spoiled] + shift) % chosen.output_size).to(target.dtype)
    return split.with_targets(**{task: target})


def with_few_labels(split: MultiTaskDataset, task: str, keep: int, *, seed: int = 0) -> MultiTaskDataset:
    """A split (images not copied) in which only `keep` images are labelled for one task.

    For classification the kept labels are balanced: every class keeps as many as any other (give or take one), which lessens
    the chance of the draw when labels are few. The other tasks keep all their labels.

    Raises:
        ValueError: if more labels are to be kept than there are.

    Examples:
        >>> from mtl_utils.datasets import multi_mnist
        >>> train = multi_mnist(train=60, val=20, test=20).train
        >>> few = with_few_labels(train, 'left', keep=20)
        >>> {task.name: int(task.labelled(few.targets[task.name]).sum()) for task in few.tasks}
        {'left': 20, 'right': 60}
    """
    chosen = _one_split(split).task(task)
    target = split.targets[task]
    labelled = chosen.labelled(target).reshape(len(target), -1).any(1)
    indices = torch.nonzero(labelled).flatten()
    if not isinstance(keep, Integral) or isinstance(keep, bool) or not 1 <= keep <= len(indices):
        raise ValueError(f"task '{task}': cannot keep {keep!r} labels; it has {len(indices):,}, and at least 1 must be kept")
    indices = indices[torch.randperm(len(indices), generator=randomness.generator(seed))]
    if chosen.is_classification and chosen.stride is None:
        # The rank of each image among those of its class; taking lowest ranks first deals the classes round and round.
        classes = target[indices]
        one_hot = torch.nn.functional.one_hot(classes.long(), chosen.output_size)
        rank = one_hot.cumsum(0).gather(1, classes.long()[:, None]).flatten()
        indices = indices[torch.argsort(rank, stable=True)]
    kept = torch.zeros(len(target), dtype=torch.bool)
    kept[indices[:keep]] = True
    missing = torch.full_like(target, chosen.missing)
    return split.with_targets(**{task: torch.where(kept.view(-1, *[1] * (target.dim() - 1)), target, missing)})


def _one_split(split: MultiTaskDataset) -> MultiTaskDataset:
    if not isinstance(split, MultiTaskDataset):
        raise ValueError(
            f"one split is needed, such as data.train, not a {type(split).__name__}; "
            "data.with_train(with_few_labels(data.train, …)) gives a whole data set again"
        )
    return split
