"""The best trade-offs among several tasks: the Pareto front, and the hypervolume that measures a front by one number."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Points = Tensor | Sequence[Sequence[float]]


def pareto_front(points: Points, higher_is_better: bool | Sequence[bool] = True) -> Tensor:
    """Which points no other point dominates.

    One point dominates another if it is at least as good for every task and better for one. Of equal points none dominates
    the other, so all of them are kept.

    Args:
        points: `[N, T]`, a metric or loss of each of T tasks for each of N models; finite.
        higher_is_better: for all tasks, or for each.

    Returns:
        Boolean `[N]`.

    Examples:
        >>> pareto_front([[0.9, 0.6], [0.8, 0.8], [0.7, 0.7]]).tolist()  # the second one is better than the third at both tasks
        [True, True, False]
    """
    good = _higher_is_better(points, higher_is_better)
    return _best(good)


def hypervolume(points: Points, reference: Sequence[float], higher_is_better: bool | Sequence[bool] = True) -> float:
    """The size of the region that the points dominate, up to the reference point: an area for two tasks, a volume for three.

    The larger, the better the front. It means nothing without its reference point, which must be stated with it. Points
    that are worse than the reference for some task add nothing. Zitzler & Thiele, "Multiobjective evolutionary algorithms:
    a comparative case study" (1999).

    Args:
        points: `[N, T]`; finite.
        reference: the worst value that still counts, for each task.
        higher_is_better: for all tasks, or for each.

    Examples:
        >>> round(hypervolume([[0.9, 0.6], [0.8, 0.8]], reference=(0.5, 0.5)), 2)
        0.1
    """
    good = _higher_is_better(points, higher_is_better)
    if len(reference) != good.shape[1]:
        raise ValueError(f"the reference point has {len(reference)} values, the points have {good.shape[1]}; one per task")
    worst = _higher_is_better([list(reference)], higher_is_better)[0]
    beyond = good - worst
    return _volume(beyond[(beyond > 0).all(1)])


def _best(good: Tensor) -> Tensor:
    at_least = (good[:, None] >= good[None]).all(-1)  # [i, j]: i is at least as good as j everywhere
    better = (good[:, None] > good[None]).any(-1)
    return ~(at_least & better).any(0)


def _volume(beyond: Tensor) -> float:
    """Volume of the union of boxes from the origin to each row of `[N, T]`, all above zero.

    Point by point: a box, less what the boxes after it cover of it (the WFG algorithm of While, Bradstreet & Barone, "A fast
    way of calculating exact hypervolumes", 2012). What is dominated adds nothing, and inside another box most points are.
    """
    if len(beyond) < 2:
        return float(beyond.prod(1).sum())
    if beyond.shape[1] == 2:
        beyond = beyond[beyond[:, 0].argsort(descending=True)]
        steps = torch.diff(beyond[:, 0], append=beyond.new_zeros(1)).neg()
        return float((steps * beyond[:, 1].cummax(0).values).sum())
    beyond = torch.unique(beyond, dim=0)
    beyond = beyond[_best(beyond)]
    if len(beyond) == 2:
        return float(beyond.prod(1).sum() - beyond.amin(0).prod())
    beyond = beyond[beyond[:, -1].argsort()]
    volumes = beyond.prod(1).tolist()
    rest = (beyond[number + 1 :].minimum(beyond[number]) for number in range(len(beyond)))
    return float(sum(volume - _volume(covered) for volume, covered in zip(volumes, rest, strict=True)))


def _higher_is_better(points: Points, higher_is_better: bool | Sequence[bool]) -> Tensor:
    """The points as `[N, T]` in which higher is better for every task."""
    table = torch.as_tensor(points, dtype=torch.float64)
    if table.dim() != 2 or table.shape[1] < 1:
        raise ValueError(f"points must come as a table [points, tasks], not in the shape {tuple(table.shape)}")
    if not torch.isfinite(table).all():
        row = int((~torch.isfinite(table)).any(1).nonzero()[0])
        raise ValueError(f"point {row} is not finite: {table[row].tolist()}")
    count = table.shape[1]
    signs = [higher_is_better] * count if isinstance(higher_is_better, bool) else list(higher_is_better)
    if len(signs) != count:
        raise ValueError(f"`higher_is_better` has {len(signs)} values, the points have {count}; one per task")
    return table * torch.tensor([1.0 if sign else -1.0 for sign in signs], dtype=torch.float64)
