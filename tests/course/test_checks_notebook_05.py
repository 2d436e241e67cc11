"""The checks of notebook 05's exercises accept right answers and meet likely wrong ones with a hint of their own."""

import math

import torch
from answers import common_tests

from mtl_utils.course.checks import notebook_05 as check


def settled_weight_by_search():
    s = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.Adam([s], lr=0.05)
    for _ in range(2000):
        optimizer.zero_grad()
        (0.5 * torch.exp(-s) * 200 + s / 2 + 0.05 * s**2).backward()
        optimizer.step()
    return 0.5 * math.exp(-s.item())


RIGHT = [
    (check.largest_loss_with_a_negative_total, 1 / (2 * math.e)),
    (check.largest_loss_with_a_negative_total, 0.184),
    (check.largest_loss_with_a_negative_total, torch.tensor(0.1839)),
    (check.settled_weights, (0.25, 0.01)),
    (check.settled_weights, [0.25, 0.01]),
    (check.settled_weights, {"position": 0.01, "digit": 0.25}),
    (check.settled_weights, {"classification": 0.25, "regression": 0.01}),
    (check.settled_weights, torch.tensor([0.25, 0.01])),
    (check.weight_with_decay, settled_weight_by_search()),
    (check.gradnorm_moves, {"a": "up", "b": "down", "c": "stays"}),
    (check.indifferent_to_units, {"geometric mean", "FAMO", "uncertainty, first losses"}),
    (check.indifferent_to_units, ["FAMO", "geometric mean", "uncertainty, first losses"]),
]

WRONG = [
    (check.largest_loss_with_a_negative_total, 1 / math.e, "that is for a regression"),
    (check.largest_loss_with_a_negative_total, 1.0, "put in the best s"),
    (check.largest_loss_with_a_negative_total, 0.5, "still positive"),
    (check.largest_loss_with_a_negative_total, 0.0, "where is that zero"),
    (check.largest_loss_with_a_negative_total, "small", "one number"),
    (check.settled_weights, (0.5, 0.02), "IMTL-L"),
    (check.settled_weights, (1.0, 0.5), "at the start"),
    (check.settled_weights, {"digit": 0.25, "position": 0.02}, "f cancels"),
    (check.settled_weights, (0.25, 0.02), "f cancels"),
    (check.settled_weights, (0.5, 0.01), "f cancels"),
    (check.settled_weights, (math.log(4), math.log(50)), "those are the settled s"),
    (check.settled_weights, (0.01, 0.25), "every weighted loss"),
    (check.settled_weights, (0.25, 0.0095), "every weighted loss"),
    (check.settled_weights, (0.25,), "two numbers"),
    (check.settled_weights, 0.25, "two numbers"),
    (check.weight_with_decay, 0.0025, "without decay"),
    (check.weight_with_decay, 4.642, "that is s"),
    (check.weight_with_decay, 2 * settled_weight_by_search(), "that is e"),
    (check.weight_with_decay, 0.5, "has your search settled"),
    (check.weight_with_decay, "0.5", "one number"),
    (check.gradnorm_moves, {"a": "down", "b": "up", "c": "stays"}, "which is α = 0"),
    (check.gradnorm_moves, {"a": "up", "b": "down", "c": "up"}, "for c it is 1"),
    (check.gradnorm_moves, {"a": "up", "b": "up", "c": "stays"}, "below it, the weight goes up"),
    (check.gradnorm_moves, {"a": "up", "b": "down"}, "for each of a, b and c"),
    (check.gradnorm_moves, {"a": "more", "b": "down", "c": "stays"}, "the answers are"),
    (check.indifferent_to_units, {"equal", "FAMO"}, "simply another weight"),
    (check.indifferent_to_units, {"DWA"}, "cannot undo it"),
    (check.indifferent_to_units, {"random", "FAMO"}, "cannot undo it"),
    (check.indifferent_to_units, {"uncertainty, s = 0", "FAMO", "geometric mean"}, "a long way to go"),
    (check.indifferent_to_units, {"FAMO"}, "have the same gradient"),
    (check.indifferent_to_units, {"geometric mean", "uncertainty, first losses"}, "what does a unit do"),
    (check.indifferent_to_units, {"geometric mean", "FAMO"}, "is the first weight not"),
    (check.indifferent_to_units, {"GradNorm"}, "the methods are"),
    (check.indifferent_to_units, "FAMO", "a set of names"),
]

test_coverage, test_right, test_wrong, test_nothing = common_tests(check, RIGHT, WRONG)
