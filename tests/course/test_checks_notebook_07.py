"""The checks of notebook 07 accept what is right, and refuse what is wrong with its own hint."""

import torch
from answers import common_tests

from mtl_utils.course.checks import notebook_07 as check


def start(tasks, own):
    return (1 - own) / (tasks - 1) + (own - (1 - own) / (tasks - 1)) * torch.eye(tasks)


def even_in_the_first_row_only(tasks, own):
    rows = own * torch.eye(tasks) + (1 - own) * torch.eye(tasks).roll(1, 1)
    rows[0, 1:] = (1 - own) / (tasks - 1)
    return rows


RIGHT = [
    (check.pull_together, lambda a, b, kept: ((a + b) / 2 + kept * (a - b) / 2, (a + b) / 2 - kept * (a - b) / 2)),
    (check.pull_together, lambda a, b, kept: [a + (1 - kept) / 2 * (b - a), b + (1 - kept) / 2 * (a - b)]),
    (check.cross_stitch_start, start),
    (check.cross_stitch_start, lambda tasks, own: start(tasks, own).tolist()),
    (check.convolution_of_a_cross_stitch, lambda own, other: torch.cat([torch.diag(own), torch.diag(other)], 1)),
]
WRONG = [
    (check.pull_together, 3, "a function"),
    (check.pull_together, lambda a, b, kept: a, "return the two"),
    (check.pull_together, lambda a, b, kept: (a, b + (1 - kept) * (a - b)), "mean of the two must stay"),
    (check.pull_together, lambda a, b, kept: (kept * a, kept * b), "mean of the two must stay"),
    (check.pull_together, lambda a, b, kept: ((a + b) / 2, (a + b) / 2), "kept = 1"),
    (check.pull_together, lambda a, b, kept: (a + (1 - kept) * (b - a), b + (1 - kept) * (a - b)), "kept = 0"),
    (
        check.pull_together,
        lambda a, b, kept: ((a + b) / 2 + kept**2 * (a - b) / 2, (a + b) / 2 - kept**2 * (a - b) / 2),
        "distance that is left",
    ),
    (check.cross_stitch_start, "0.9", "a function"),
    (check.cross_stitch_start, lambda tasks, own: [own, 1 - own], "a tensor [T, T]"),
    (check.cross_stitch_start, lambda tasks, own: torch.ones(tasks, tasks), "on the diagonal"),
    (check.cross_stitch_start, lambda tasks, own: (1 - own) + (2 * own - 1) * torch.eye(tasks), "adds up to 1.2"),
    (check.cross_stitch_start, lambda tasks, own: own * torch.eye(tasks), "add up to 1"),
    (check.cross_stitch_start, even_in_the_first_row_only, "in every row"),
    (check.cross_stitch_start, lambda tasks, own: own * torch.eye(tasks) + (1 - own) * torch.eye(tasks).roll(1, 1), "evenly"),
    (check.convolution_of_a_cross_stitch, 1, "a function"),
    (
        check.convolution_of_a_cross_stitch,
        lambda own, other: torch.cat([torch.diag(own), torch.diag(other)], 0),
        "this is [8, 4]",
    ),
    (check.convolution_of_a_cross_stitch, lambda own, other: torch.diag(own) + torch.diag(other), "a matrix [C, 2·C]"),
    (check.convolution_of_a_cross_stitch, lambda own, other: torch.cat([own, other]).expand(4, 8), "all else is 0"),
    (
        check.convolution_of_a_cross_stitch,
        lambda own, other: torch.cat([torch.diag(other), torch.diag(own)], 1),
        "own column first",
    ),
]

test_coverage, test_right, test_wrong, test_nothing = common_tests(check, RIGHT, WRONG)
