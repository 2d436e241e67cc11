"""Checks of the exercises of notebook 01, one image and many tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mtl_utils.course.checks.check import Verdict, call, close, is_number, judge
from mtl_utils.tasks import MISSING_CLASS

COUNT, SIDE, CLASSES = 5, 64, 11
_NAN = float("nan")


def shapes_of_targets(answer: Mapping[str, tuple[int, ...]]) -> Verdict:
    """01.1: shapes of the targets of four kinds of task, for 5 images of 64×64 pixels."""
    right = {
        "classification": (COUNT,),
        "regression": (COUNT, 2),
        "pixel classification": (COUNT, SIDE, SIDE),
        "pixel regression": (COUNT, 1, SIDE, SIDE),
    }

    def shape(a: Mapping[str, tuple[int, ...]], kind: str) -> tuple[int, ...]:
        return tuple(a[kind])

    return judge(
        "01.1",
        answer,
        [
            (
                lambda a: isinstance(a, Mapping) and set(a) == set(right),
                f"give a dictionary with the keys {list(right)}",
            ),
            (
                lambda a: shape(a, "classification") not in ((COUNT, CLASSES), (COUNT, 1)),
                "the target of a classification is one number for each image; a score for every class is what the *output* has",
            ),
            (
                lambda a: shape(a, "pixel classification") != (COUNT, CLASSES, SIDE, SIDE),
                "a score for every class and pixel is what the *output* has; the target is one class number for each pixel",
            ),
            (
                lambda a: shape(a, "pixel regression") != (COUNT, SIDE, SIDE),
                "real-valued targets have the shape of the output: one value is a dimension too, [N, 1, H, W]",
            ),
            *(
                (lambda a, k=k: shape(a, k) == right[k], f"look at the {k} again; its target is described in the table")
                for k in right
            ),
        ],
        "right. Compare them with the shapes of the outputs in the table",
    )


def rows_of_both(answer: int) -> Verdict:
    """01.2: how many of MultiMNIST's 28 rows can show ink of both digits."""
    return judge(
        "01.2",
        answer,
        [
            (is_number, "give a whole number"),
            (
                lambda a: a != 22,
                "that is how many rows the two share on the 36×36 canvas (6 to 27); count rows of the reduced image",
            ),
            (lambda a: a != 28, "the left digit ends at row 27 of the canvas, the right one starts at row 6"),
            (lambda a: a == 17, "row k shows row ⌊(k + ½)·36/28⌋ of the canvas; count the k for which that is from 6 to 27"),
        ],
        "right. In more than half of the rows both digits can have ink",
    )


def box_of_a_mask(function: Callable[[Tensor], Any]) -> Verdict:
    """01.3: the smallest box around a mask."""
    mask = torch.zeros(8, 10, dtype=torch.bool)
    mask[2, 3] = mask[4, 7] = mask[5, 4] = True
    dot = torch.zeros(8, 10, dtype=torch.bool)
    dot[6, 1] = True

    def box(f: Callable[[Tensor], Any], m: Tensor) -> list[float]:
        return [float(edge) for edge in call(f, m)]

    return judge(
        "01.3",
        function,
        [
            (callable, "write a function"),
            (lambda f: len(box(f, mask)) == 4, "give four numbers: x0, y0, x1, y1"),
            (
                lambda f: box(f, mask) not in ([2, 3, 6, 8], [2, 3, 5, 7]),
                "x counts columns (the last dimension), y counts rows",
            ),
            (lambda f: box(f, mask) != [3, 2, 7, 5], "x1 and y1 are edges: the right edge of column 7 is at x = 8"),
            (lambda f: box(f, mask) != [3, 2, 5, 4], "x1 and y1 are the far edges, not the width and the height"),
            (
                lambda f: box(f, mask) == [3, 2, 8, 6],
                "look at the smallest and the largest row and column where the mask is True",
            ),
            (lambda f: box(f, dot) == [1, 6, 2, 7], "a single pixel has a box of one by one"),
        ],
        "right, to the pixel",
    )


def shared_sources(function: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """01.4: how many different source images two splits have in common."""
    first = torch.tensor([[7, 3, MISSING_CLASS], [7, 9, 12]])
    second = torch.tensor([[12, 7, MISSING_CLASS], [7, 5, MISSING_CLASS], [8, MISSING_CLASS, MISSING_CLASS]])
    apart = torch.tensor([[20, MISSING_CLASS, MISSING_CLASS]])

    def count(f: Callable[[Tensor, Tensor], Any], a: Tensor = first, b: Tensor = second) -> int:
        return int(call(f, a, b))

    return judge(
        "01.4",
        function,
        [
            (callable, "write a function"),
            (lambda f: count(f, first, apart) != 1, "-100 is no image: it marks an empty place, and must not count as shared"),
            (lambda f: count(f) not in (4, 6), "count every source image once, and do not count -100, the empty places"),
            (lambda f: count(f) != 3, "an image that occurs several times counts once"),
            (lambda f: count(f) == 2, "here 7 and 12 occur in both: the answer is 2, wherever in the table they stand"),
            (lambda f: count(f, first, apart) == 0, "two splits with nothing in common must give 0"),
            (
                lambda f: count(f, torch.tensor([[0, 3]]), torch.tensor([[0, 5]])) == 1,
                "a table may have no empty place at all, and image number 0 is an image like any other",
            ),
        ],
        "right. Two good splits have zero images in common",
    )


def measured_accuracy(function: Callable[[float, float, int], Any]) -> Verdict:
    """01.5: the accuracy that a test with a share of wrong labels shows."""

    def value(f: Callable[[float, float, int], Any], accuracy: float, noise: float, classes: int) -> float:
        return float(call(f, accuracy, noise, classes))

    return judge(
        "01.5",
        function,
        [
            (callable, "write a function"),
            (
                lambda f: not close(value(f, 0.9, 0.2, 5), 0.9 * 0.8),
                "that is one part. A wrong answer can also meet the same wrong label, and then it counts as right",
            ),
            (
                lambda f: not close(value(f, 0.9, 0.2, 5), 0.9 * 0.8 + 0.1 * 0.2),
                "a wrong answer meets a wrong label in one case of (classes − 1) only: there are that many wrong classes",
            ),
            (
                lambda f: not close(value(f, 0.9, 0.2, 5), 0.9 * 0.8 + 0.1 * 0.2 / 5),
                "wrong labels are drawn from the *other* classes: there are classes − 1 of them",
            ),
            (lambda f: not close(value(f, 0.9, 0.2, 5), 0.7), "0.9 − 0.2 counts the wrong labels of wrong answers twice"),
            (
                lambda f: close(value(f, 0.9, 0.2, 5), 0.9 * 0.8 + 0.1 * 0.2 / 4),
                "add two cases: right answer and right label; wrong answer and, by chance, the same wrong label",
            ),
            (lambda f: close(value(f, 0.5, 0.4, 10), 0.5 * 0.6 + 0.5 * 0.4 / 9), "it must work for any numbers"),
        ],
        "right. With wrong labels in the test, even a perfect network does not reach 100 %",
    )


def masked_absolute_error(function: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """01.6: the mean absolute error over the labels that are present."""
    output = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    target = torch.tensor([[0.0, 4.0], [_NAN, 4.5], [_NAN, _NAN]])

    def value(f: Callable[[Tensor, Tensor], Any]) -> Tensor:
        return torch.as_tensor(call(f, output.clone(), target.clone()), dtype=torch.float64)

    def gradient(f: Callable[[Tensor, Tensor], Any]) -> Tensor:
        leaf = output.clone().requires_grad_()
        call(f, leaf, target.clone()).backward()
        assert leaf.grad is not None
        return leaf.grad

    return judge(
        "01.6",
        function,
        [
            (callable, "write a function"),
            (lambda f: value(f).numel() == 1, "a loss is one number: take the mean"),
            (
                lambda f: not value(f).isnan(),
                "the result is NaN. NaN times zero is NaN still: select the labels that are present, do not multiply by a mask",
            ),
            (lambda f: not close(value(f), 3.5 / 6), "divide by the number of labels that are present (3), not by all 6"),
            (lambda f: not close(value(f), 3.5), "that is the sum; take the mean over the labels that are present"),
            (lambda f: not close(value(f), 5.25 / 3), "that is the squared error; take the absolute one"),
            (
                lambda f: close(value(f), 3.5 / 3),
                "the errors that count are 1, 2 and 0.5; missing labels are no zeros, and an image may have one label of two",
            ),
            (
                lambda f: close(gradient(f), torch.tensor([[1.0, -1.0], [0.0, -1.0], [0.0, 0.0]]) / 3),
                "the value is right, its gradient is not: it must be zero where the label is missing, ±1/3 elsewhere. "
                "Stay with tensors, and select before you subtract",
            ),
        ],
        "right, and the gradient is right, too: missing labels have no effect",
    )


def change_of_unit(answer: tuple[float, float]) -> Verdict:
    """01.7: by which factors absolute and squared error grow when metres become centimetres."""
    return judge(
        "01.7",
        answer,
        [
            (lambda a: len(a) == 2, "give two numbers: (factor of the absolute error, factor of the squared error)"),
            (lambda a: tuple(a) != (10_000, 100), "the other way round: the absolute error comes first"),
            (lambda a: tuple(a) not in ((0.01, 0.0001), (1, 1)), "a distance of 1 m is 100 cm: the numbers grow"),
            (lambda a: float(a[0]) == 100, "every difference becomes 100 times larger, and so does its absolute value"),
            (
                lambda a: float(a[1]) == 10_000,
                "every difference becomes 100 times larger; its square grows by the square of that",
            ),
        ],
        "right. Nothing about the images or the network has changed, and one task now drowns out the others",
    )
