"""The checks of notebook 09 accept what is right, and refuse what is wrong with its own hint."""

import torch
from answers import common_tests
from scipy.optimize import linear_sum_assignment
from torch.nn import functional as F

from mtl_utils.course.checks import notebook_09 as check


def peaks(heat, threshold):
    top = F.max_pool2d(heat[None], 3, stride=1, padding=1)[0]
    return torch.nonzero((heat == top) & (heat >= threshold))


def focal(logits, heat, alpha=2, beta=4, sign=-1, mean=False):
    p = torch.sigmoid(logits)
    terms = torch.where(heat == 1, (1 - p) ** alpha * p.log(), (1 - heat) ** beta * p**alpha * (1 - p).log())
    return sign * (terms.mean() if mean else terms.sum())


def links(before, after, distance):
    gap = torch.cdist(after, before).clamp(max=distance)
    rows, columns = linear_sum_assignment(gap)
    answer = [-1] * len(after)
    for row, column in zip(rows, columns, strict=True):
        if gap[row, column] < distance:
            answer[row] = int(column)
    return answer


def greedy(before, after, distance):
    """Each box takes the nearest that is left."""
    answer, left = [], list(range(len(before)))
    for center in after:
        gaps = {k: float((before[k] - center).norm()) for k in left}
        best = min(gaps, key=gaps.get, default=-1)
        answer.append(best if best >= 0 and gaps[best] <= distance else -1)
        if answer[-1] >= 0:
            left.remove(best)
    return answer


def nearest(before, after, distance):
    gap, best = torch.cdist(after, before).min(1)
    return torch.where(gap <= distance, best, -1)


def unlimited(before, after, distance):
    return linear_sum_assignment(torch.cdist(after, before))[1]


def counted(scenes):
    return (scenes.visibility >= 0.25).sum(2).flatten()


RIGHT = [
    (check.peaks_by_hand, peaks),
    (check.peaks_by_hand, lambda h, t: {tuple(row) for row in peaks(h, t).tolist()}),
    (check.focal_by_hand, focal),
    (check.focal_by_hand, lambda x, y: focal(x, y).item()),
    (check.links_by_hand, links),
    (check.links_by_hand, lambda *a: torch.tensor(links(*a))),
    (check.count_task, counted),
]
WRONG = [
    (check.peaks_by_hand, 5, "a function"),
    (check.peaks_by_hand, lambda h, t: peaks(h, t)[:, 1:], "three numbers"),
    (check.peaks_by_hand, lambda h, t: torch.nonzero(h >= t), "local maximum"),
    (check.peaks_by_hand, lambda h, t: peaks(h, 0.1), "below the threshold"),
    (
        check.peaks_by_hand,
        lambda h, t: torch.nonzero((h == F.max_pool2d(h.amax(0)[None, None], 3, 1, 1)[0]) & (h >= t)),
        "map of its own",
    ),
    (check.peaks_by_hand, lambda h, t: peaks(h, t + 1e-6), "just the threshold"),
    (check.peaks_by_hand, lambda h, t: peaks(h, t)[1:], "eight neighbors"),
    (check.focal_by_hand, 1.0, "a function"),
    (check.focal_by_hand, lambda x, y: x, "one number"),
    (check.focal_by_hand, lambda x, y: focal(x, y, mean=True), "not the mean"),
    (check.focal_by_hand, lambda x, y: focal(x, y, sign=1), "sign"),
    (check.focal_by_hand, lambda x, y: focal(x, y, 0, 0), "plain cross-entropy"),
    (check.focal_by_hand, lambda x, y: focal(x, y, 2, 0), "(1 − heat)^β"),
    (check.focal_by_hand, lambda x, y: focal(x, y, 0, 4), "easy cells"),
    (check.focal_by_hand, lambda x, y: focal(x, y, 2, 2), "β = 4"),
    (check.links_by_hand, [0], "a function"),
    (check.links_by_hand, lambda *a: [0], "one number for each box"),
    (check.links_by_hand, unlimited, "begins a new track"),
    (check.links_by_hand, nearest, "continue the same one"),
    (check.links_by_hand, greedy, "linear_sum_assignment"),
    (check.links_by_hand, lambda b, a, d: links(b, a, d) if len(b) > 2 else [0] * len(a), "left over"),
    (check.links_by_hand, lambda b, a, d: links(b, a, d) if len(a) > 1 else [-1], "fewer boxes"),
    (check.count_task, counted(check.moving_scenes(1, 1, 1, frames=1, size=16).train), "a function"),
    (check.count_task, lambda s: counted(s).float(), "whole numbers: torch.int64"),
    (check.count_task, lambda s: counted(s) > 2, "not yes or no"),
    (check.count_task, lambda s: (s.visibility >= 0.25).sum(2), "make 18"),
    (check.count_task, lambda s: (s.classes >= 0).sum(2).flatten(), "hidden objects"),
    (check.count_task, lambda s: (s.visibility > 0).sum(2).flatten(), "a quarter visible"),
    (check.count_task, lambda s: (s.visibility >= 0.9).sum(2).flatten(), "dimension 2"),
]

test_coverage, test_right, test_wrong, test_nothing = common_tests(check, RIGHT, WRONG)
