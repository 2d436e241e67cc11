"""Checks of the exercises of notebook 10, your own images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mtl_utils.course.checks.check import Verdict, call, close, is_number, judge

COLUMNS = {
    "weight": ("1.5", "2.25", "", "3.0", "2.75", "1.25"),
    "stars": ("1", "2", "2", "1", "2", "1"),
    "buyer": ("Anna", "Ben", "Anna", "", "Ben", "Ben"),
    "amount": ("12", "n/a", "15", "11", "14", "17"),
}
KINDS = ("classification", "regression", "error")
TRAIN = torch.tensor([2, 2, 2, 0, 1, 0, -100, -100, -100, -100])
TEST = torch.tensor([0, 0, 0, 2, -100, 1, 2, -100])
PROBABILITY = torch.tensor([0.9, 0.8, 0.6, 0.4, 0.3, 0.1])
STAINED = torch.tensor([True, False, True, True, False, False])


def kinds_of_columns(answer: Mapping[str, str]) -> Verdict:
    """10.1: what each column of a table is taken for."""
    right = {"weight": "regression", "stars": "classification", "buyer": "classification", "amount": "error"}
    return judge(
        "10.1",
        answer,
        [
            (lambda a: isinstance(a, Mapping) and set(a) == set(right), f"give a dictionary with the keys {', '.join(right)}"),
            (lambda a: set(a.values()) <= set(KINDS), f"the answers are {', '.join(KINDS)}"),
            (lambda a: a["weight"] == "regression", "weight: an empty cell is a missing label; the others are real numbers"),
            (lambda a: a["stars"] == "classification", "stars: two whole numbers that come again and again are classes"),
            (lambda a: a["buyer"] == "classification", "buyer: words that come again and again are names of classes"),
            (lambda a: a["amount"] == "error", "amount: 'n/a' is no number, and the others are no names; nobody guesses here"),
        ],
        "right. What the reader cannot know, it asks you: tasks={'amount': …}, or an empty cell in the place of n/a",
    )


def commonest_class(function: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """10.2: the accuracy of a baseline that never looks at an image."""

    def value(f: Callable[..., Any]) -> float:
        return float(call(f, TRAIN.clone(), TEST.clone()))

    return judge(
        "10.2",
        function,
        [
            (callable, "a function of the training and the test labels is asked for"),
            (lambda f: is_number(call(f, TRAIN.clone(), TEST.clone())), "return one number, the accuracy"),
            (
                lambda f: not close(value(f), 2 / 8),
                "images without a label are neither right nor wrong: leave them out",
            ),
            (
                lambda f: not close(value(f), 3 / 6),
                "that is the commonest class of the *test* labels, which you do not know",
            ),
            (lambda f: not close(value(f), 0), "-100 is no class but a missing label: leave it out before you count"),
            (lambda f: not close(value(f), 100 * 2 / 6), "give a share from 0 to 1, not a percentage"),
            (lambda f: close(value(f), 2 / 6), "among the test images with a label, the share of the commonest training class"),
            (
                lambda f: close(call(f, torch.tensor([1, 1, 0]), torch.tensor([1, 0, 1, 1])), 0.75),
                "it must work for any labels",
            ),
        ],
        "right: class 2 is the commonest in training, and 2 of the 6 labelled test images have it",
    )


def adapter_parameters(function: Callable[[int, int, int, int], Any]) -> Verdict:
    """10.3: how many parameters an adapter of rank r adds to a convolution."""
    return judge(
        "10.3",
        function,
        [
            (callable, "a function of the rank, the output and input channels and the kernel's side is asked for"),
            (lambda f: is_number(call(f, 4, 32, 16, 3)), "return one number"),
            (lambda f: not close(call(f, 4, 32, 16, 3), 32 * 16 * 9), "that is the convolution itself; the adapter is smaller"),
            (
                lambda f: not close(call(f, 4, 32, 16, 3), 4 * (32 + 16)),
                "each place of the kernel counts: in·k·k columns",
            ),
            (lambda f: not close(call(f, 4, 32, 16, 3), 4 * (32 + 16 * 3)), "the kernel has k·k places, not k"),
            (lambda f: not close(call(f, 4, 32, 16, 3), 4 * 32 * 16 * 9), "B and A are two small matrices, not r large ones"),
            (lambda f: close(call(f, 4, 32, 16, 3), 704), "B has out·r numbers and A has r·in·k·k"),
            (lambda f: close(call(f, 2, 64, 32, 1), 192), "it must hold for any rank and size"),
        ],
        "right: r·(out + in·k·k); 704 here, in the place of 4,608",
    )


def cost_of_a_threshold(function: Callable[[Tensor, Tensor, float], Any]) -> Verdict:
    """10.4: what a threshold costs, if a missed stain costs 5 and a false alarm 1."""

    def value(f: Callable[..., Any], threshold: float) -> float:
        return float(call(f, PROBABILITY.clone(), STAINED.clone(), threshold))

    return judge(
        "10.4",
        function,
        [
            (callable, "a function of probabilities, labels and a threshold is asked for"),
            (
                lambda f: is_number(call(f, PROBABILITY.clone(), STAINED.clone(), 0.5)),
                "return one number, the whole cost",
            ),
            (lambda f: not close(value(f, 0.2), 10), "a missed stain costs 5 and a false alarm 1, not the other way round"),
            (lambda f: not close(value(f, 0.5), 2), "both mistakes count one here: a missed stain costs 5"),
            (lambda f: not close(value(f, 0.5), 1), "a stain that is not found is a mistake, too, and costs 5"),
            (lambda f: not close(value(f, 0.5), 5), "a false alarm costs 1: it must be counted, too"),
            (
                lambda f: close(value(f, 0.5), 6),
                "at 0.5 one stain (0.4) is missed, and one clean garment (0.8) called stained",
            ),
            (lambda f: close(value(f, 0.2), 2), "at 0.2 no stain is missed, and two clean garments are called stained"),
        ],
        "right: at 0.5 it costs 6, at 0.2 only 2. Where a miss is dear, the threshold goes down",
    )
