"""Checks of the exercises of notebook 09, one network that detects, segments, estimates depth and tracks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from mtl_utils import randomness
from mtl_utils.course.checks.check import Verdict, call, close, is_number, judge
from mtl_utils.datasets import Scenes, moving_scenes
from mtl_utils.datasets.moving_scenes.tasks import focal_loss


def peaks_by_hand(function: Callable[[Tensor, float], Any]) -> Verdict:
    """09.1: the peaks of heat maps, as (class, row, column)."""
    heat = torch.zeros(2, 6, 6)
    heat[0, 1, 1:4] = torch.tensor([0.6, 0.9, 0.5])  # a hill with one top
    heat[0, 4, 4] = 0.4
    heat[0, 2, 5] = 0.2  # a top, but too low
    heat[1, 1, 3] = 0.7  # beside the hill of class 0, in the map of class 1
    heat[1, 5, 0] = 0.3  # exactly the threshold, in a corner
    wanted = {(0, 1, 2), (0, 4, 4), (1, 1, 3), (1, 5, 0)}

    def found(f: Callable[[Tensor, float], Any]) -> set[tuple[int, ...]]:
        answer = call(f, heat.clone(), 0.3)
        rows = answer.tolist() if isinstance(answer, Tensor) else list(answer)
        return {tuple(int(number) for number in row) for row in rows}

    return judge(
        "09.1",
        function,
        [
            (callable, "a function of heat maps and a threshold is asked for"),
            (lambda f: all(len(row) == 3 for row in found(f)), "each peak is three numbers: class, row and column"),
            (lambda f: (0, 1, 1) not in found(f), "(0, 1, 1) is hot, but its neighbor is hotter: a peak is a local maximum"),
            (lambda f: (0, 2, 5) not in found(f), "peaks below the threshold do not count"),
            (lambda f: (1, 1, 3) in found(f), "each class has a map of its own: peaks of other classes are no rivals"),
            (lambda f: (1, 5, 0) in found(f), "the corner cell is a peak, too: its height is just the threshold"),
            (lambda f: found(f) == wanted, "a peak is a cell that is at least as hot as its eight neighbors and the threshold"),
        ],
        "right: every hill gives one box, however wide it is",
    )


def focal_by_hand(function: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """09.2: CornerNet's focal loss, summed over all cells."""
    generator = randomness.generator(9)
    logits = 2 * torch.randn(2, 3, 4, 4, generator=generator)
    heat = torch.rand(2, 3, 4, 4, generator=generator)
    heat[0, 0, 1, 1] = heat[1, 2, 3, 0] = 1.0
    p = torch.sigmoid(logits)
    at_center, elsewhere = -p.log(), -(1 - p).log()
    is_center = heat == 1
    expected = focal_loss(logits, heat)

    def found(f: Callable[[Tensor, Tensor], Any]) -> float:
        return float(call(f, logits.clone(), heat.clone()))

    def near(value: Tensor) -> Callable[[Any], bool]:
        return lambda f: not close(found(f), value.sum(), 1e-4)

    return judge(
        "09.2",
        function,
        [
            (callable, "a function of logits and heat is asked for"),
            (lambda f: is_number(call(f, logits.clone(), heat.clone())), "return one number, the sum over all cells"),
            (lambda f: not close(found(f), expected / logits.numel(), 1e-4), "the sum is asked for, not the mean"),
            (lambda f: not close(found(f), -expected, 1e-4), "a loss is positive: mind the sign of the logarithm"),
            (near(torch.where(is_center, at_center, elsewhere)), "that is plain cross-entropy: α and β are missing"),
            (
                near(torch.where(is_center, (1 - p) ** 2 * at_center, p**2 * elsewhere)),
                "cells next to a center must count less: (1 − heat)^β is missing",
            ),
            (
                near(torch.where(is_center, at_center, (1 - heat) ** 4 * elsewhere)),
                "easy cells must count less: (1 − p)^α at centers and p^α elsewhere are missing",
            ),
            (lambda f: close(found(f), expected, 1e-4), "check α = 2 and β = 4, and that a center is where heat is exactly 1"),
        ],
        "right: and gradients flow mostly from cells that are wrong",
    )


def links_by_hand(function: Callable[[Tensor, Tensor, float], Any]) -> Verdict:
    """09.3: for each box of this frame the box of the frame before that it continues, or −1."""
    before = torch.tensor([[10.0, 10.0], [14.0, 10.0], [40.0, 40.0]])
    # The nearest to 0 is 0, but 1 has nobody else: the smallest *sum* pairs 0 with 0 and 1 with 1 here …
    after = torch.tensor([[13.0, 10.0], [18.0, 10.0], [60.0, 60.0]])

    def found(f: Callable[[Tensor, Tensor, float], Any], old: Tensor, new: Tensor) -> list[int]:
        answer: Iterable[Any] = call(f, old.clone(), new.clone(), 12.0)
        return [int(number) for number in answer]

    return judge(
        "09.3",
        function,
        [
            (callable, "a function of centers before, centers now and the largest distance is asked for"),
            (lambda f: len(found(f, before, after)) == len(after), "one number for each box of this frame"),
            (
                lambda f: found(f, before, after)[2] == -1,
                "the third box is 28 pixels from the nearest old one: beyond the distance it begins a new track, −1",
            ),
            (lambda f: len({n for n in found(f, before, after) if n >= 0}) == 2, "no two boxes may continue the same one"),
            (
                lambda f: found(f, before, after)[:2] == [0, 1],
                "first come, first served took box 1 for the first: the sum of all distances should be smallest "
                "(scipy.optimize.linear_sum_assignment)",
            ),
            (
                lambda f: found(f, before[:1], after[:2]) == [0, -1],
                "there may be more boxes now than before: those that are left over get −1",
            ),
            (lambda f: found(f, before, after[:1])[0] in (0, 1), "there may be fewer boxes now than before"),
        ],
        "right: that is what `tracking.link` does, with memory added",
    )


def count_task(function: Callable[[Scenes], Any]) -> Verdict:
    """09.4: how many objects each frame shows, as targets of a fifth task."""
    scenes = moving_scenes(6, 1, 1, source="MNIST", frames=3, size=64, objects=(2, 4), seed=4).train
    # So that every way of counting has another answer: one object is wholly hidden, one hardly to be seen.
    scenes.visibility[0, 1, 0], scenes.visibility[2, 0, 1] = 0.0, 0.1
    visible = scenes.visibility >= 0.25
    expected = visible.sum(2).flatten()

    def found(f: Callable[[Scenes], Any]) -> Tensor:
        return torch.as_tensor(call(f, scenes))

    return judge(
        "09.4",
        function,
        [
            (callable, "a function of scenes is asked for"),
            (lambda f: not found(f).is_floating_point(), "classes are whole numbers: torch.int64"),
            (lambda f: found(f).dtype != torch.bool, "whole numbers are asked for, not yes or no"),
            (
                lambda f: tuple(found(f).shape) == (18,),
                "one number for each frame: 6 videos of 3 frames make 18 (flatten the first two dimensions)",
            ),
            (
                lambda f: not torch.equal(found(f), (scenes.classes >= 0).sum(2).flatten()),
                "that counts hidden objects, too: nobody can see those",
            ),
            (
                lambda f: not torch.equal(found(f), (scenes.visibility > 0).sum(2).flatten()),
                "count an object from a quarter visible on, as detection does",
            ),
            (lambda f: torch.equal(found(f), expected), "sum `scenes.visibility >= 0.25` over the places (dimension 2)"),
        ],
        "right: `with_task` adds it to a split, and the network has a fifth head",
    )
