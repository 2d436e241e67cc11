"""The checks of notebook 06 accept what is right, and refuse what is wrong with its own hint."""

import torch
from answers import common_tests

from mtl_utils.course.checks import notebook_06 as check


def share(rows):
    products = rows @ rows.T
    pairs = torch.triu_indices(len(rows), len(rows), 1)
    return float((products[pairs[0], pairs[1]] < 0).double().mean())


def without_conflict(g, other):
    dot = g @ other
    return g - dot / (other @ other) * other if dot < 0 else g


def alpha(first, second):
    return float((((second - first) @ second) / ((first - second) @ (first - second))).clamp(0, 1))


def worse(rows, update):
    return [i for i, g in enumerate(rows) if g @ update < 0]


RIGHT = [
    (check.share_of_conflicts, share),
    (check.share_of_conflicts, lambda rows: torch.tensor(share(rows))),
    (check.project, without_conflict),
    (check.mgda_share, alpha),
    (check.mgda_share, lambda a, b: torch.tensor(alpha(a, b))),
    (check.harmed, worse),
    (check.harmed, lambda rows, update: (rows @ update < 0).nonzero().flatten()),
    (check.learning_rate_for_the_mean, 0.08),
    (check.learning_rate_for_the_mean, torch.tensor(0.08)),
]
WRONG = [
    (check.share_of_conflicts, 1.0, "a function"),
    (check.share_of_conflicts, lambda rows: rows @ rows.T < 0, "one number"),
    (check.share_of_conflicts, lambda rows: float((rows @ rows.T < 0).double().mean()), "one pair of tasks"),
    (check.share_of_conflicts, lambda rows: 1 - share(rows), "below 0 are one conflict"),
    (check.share_of_conflicts, lambda rows: float((rows @ rows.T <= 0).double().mean() * 2), "right angles"),
    (check.share_of_conflicts, lambda rows: share(rows[:3]), "six pairs"),
    (check.project, 0, "a function"),
    (check.project, lambda g, other: float(g @ other), "return a gradient"),
    (check.project, lambda g, other: g - (g @ other) / (other @ other) * other, "do not conflict"),
    (check.project, lambda g, other: g - (g @ other) * other if g @ other < 0 else g, "the *square*"),
    (check.project, lambda g, other: g + other if g @ other < 0 else g, "at right angles"),
    (check.project, lambda g, other: 0 * g if g @ other < 0 else g, "nothing but the part"),
    (check.project, lambda g, other: torch.tensor([1.5, 1.5]) if g @ other < 0 else g, "swap the two"),
    (check.mgda_share, 0.6, "a function"),
    (check.mgda_share, lambda a, b: a, "return one number"),
    (check.mgda_share, lambda a, b: 1 - alpha(a, b), "share of the *second*"),
    (check.mgda_share, lambda a, b: 0.5, "set the derivative"),
    (check.mgda_share, lambda a, b: float(((b - a) @ b) / ((a - b) @ (a - b))), "from 0 to 1"),
    (check.mgda_share, lambda a, b: 0.6 if a @ b < 0 else 0.5, "the short one alone"),
    (check.harmed, [1, 2], "a function"),
    (check.harmed, lambda rows, update: 2, "in a list"),
    (check.harmed, lambda rows, update: [i for i, g in enumerate(rows) if g @ update > 0], "tasks that get better"),
    (check.harmed, lambda rows, update: [i for i, g in enumerate(rows) if g @ update <= 0], "is not made worse"),
    (check.harmed, lambda rows, update: [1], "compare the sign"),
    (check.harmed, lambda rows, update: [1, 2], "turn the update round"),
    (check.learning_rate_for_the_mean, "more", "a number"),
    (check.learning_rate_for_the_mean, 0.01 / 8, "other way round"),
    (check.learning_rate_for_the_mean, 0.01, "right for Adam"),
    (check.learning_rate_for_the_mean, 0.05, "an eighth"),
]

test_coverage, test_right, test_wrong, test_nothing = common_tests(check, RIGHT, WRONG)
