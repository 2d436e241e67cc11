"""Checks of the exercises of notebook 07, soft parameter sharing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mtl_utils import randomness
from mtl_utils.course.checks.check import Verdict, call, close, judge


def pull_together(function: Callable[[Tensor, Tensor, float], Any]) -> Verdict:
    """07.1: what one decoupled step of the distance penalty does to two columns' weights."""
    generator = randomness.generator(0)
    a, b = torch.randn(2, 3, generator=generator), torch.randn(2, 3, generator=generator)
    mean, far = (a + b) / 2, a - b

    def pulled(f: Callable[[Tensor, Tensor, float], Any], kept: float) -> tuple[Tensor, Tensor]:
        new_a, new_b = call(f, a.clone(), b.clone(), kept)
        return torch.as_tensor(new_a), torch.as_tensor(new_b)

    return judge(
        "07.1",
        function,
        [
            (callable, "a function of a, b and kept is asked for"),
            (
                lambda f: isinstance(call(f, a.clone(), b.clone(), 0.5), tuple | list),
                "return the two new weights, `(new_a, new_b)`",
            ),
            (
                lambda f: close(sum(pulled(f, 0.5)) / 2, mean),
                "the mean of the two must stay where it is: both move, by as much",
            ),
            (lambda f: close(pulled(f, 1.0)[0], a), "with kept = 1 nothing is to move"),
            (lambda f: close(pulled(f, 0.0)[0], mean), "with kept = 0 both are to arrive at their mean"),
            (
                lambda f: close(torch.sub(*pulled(f, 0.25)), 0.25 * far),
                "the distance that is left must be `kept` times what it was",
            ),
        ],
        "right: the mean stays, the difference shrinks. With kept = 0 two columns are one",
    )


def cross_stitch_start(function: Callable[[int, float], Any]) -> Verdict:
    """07.2: α at the start, for any number of tasks."""

    def matrix(f: Callable[[int, float], Any], tasks: int, own: float) -> Tensor:
        return torch.as_tensor(call(f, tasks, own), dtype=torch.float64)

    return judge(
        "07.2",
        function,
        [
            (callable, "a function of the number of tasks and of `own` is asked for"),
            (lambda f: matrix(f, 3, 0.9).shape == (3, 3), "for T tasks return a tensor [T, T]"),
            (
                lambda f: close(matrix(f, 3, 0.8).diagonal(), [0.8] * 3),
                "each task's share of its own column, `own`, is on the diagonal",
            ),
            (
                lambda f: not close(matrix(f, 3, 0.8).sum(1), [1.2] * 3),
                "with 0.2 from *each* other column a row adds up to 1.2, and features grow",
            ),
            (
                lambda f: close(matrix(f, 4, 0.7).sum(1), [1.0] * 4),
                "every row must add up to 1, so that features keep their size",
            ),
            (
                lambda f: close(matrix(f, 4, 0.7), 0.6 * torch.eye(4) + 0.1),
                "the other columns share what is left evenly, in every row",
            ),
            (lambda f: close(matrix(f, 2, 0.9), [[0.9, 0.1], [0.1, 0.9]]), "for two tasks it must be the paper's 0.9 and 0.1"),
        ],
        "right: rows add up to 1, so columns that are alike stay as they are",
    )


def convolution_of_a_cross_stitch(function: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """07.3: the weights of NDDR's 1×1 convolution that make it a cross-stitch unit."""
    generator = randomness.generator(1)
    own, other = torch.rand(4, generator=generator), torch.rand(4, generator=generator)
    features = torch.randn(2, 4, 5, 5, generator=generator), torch.randn(2, 4, 5, 5, generator=generator)
    expected = own.view(1, -1, 1, 1) * features[0] + other.view(1, -1, 1, 1) * features[1]

    def weight(f: Callable[[Tensor, Tensor], Any]) -> Tensor:
        return torch.as_tensor(call(f, own.clone(), other.clone()))

    def mixed(f: Callable[[Tensor, Tensor], Any]) -> Tensor:
        return torch.nn.functional.conv2d(torch.cat(features, 1), weight(f)[..., None, None])

    return judge(
        "07.3",
        function,
        [
            (callable, "a function of the two rows of α is asked for"),
            (
                lambda f: weight(f).shape != (8, 4),
                "the convolution makes 4 channels of 8, so its weight is [4, 8]; this is [8, 4]",
            ),
            (
                lambda f: weight(f).shape == (4, 8),
                "the weight of a 1×1 convolution from 2·C channels to C is a matrix [C, 2·C]",
            ),
            (
                lambda f: int((weight(f) != 0).sum()) == 8,
                "a cross-stitch lets channel c see channels c only: all else is 0 (torch.diag makes such a matrix)",
            ),
            (lambda f: close(mixed(f), expected), "own column first, then the other: the order of the concatenation"),
        ],
        "right: a cross-stitch unit is a 1×1 convolution of which only the diagonals may learn",
    )
