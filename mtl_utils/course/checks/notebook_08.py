"""Checks of the exercises of notebook 08, attention and experts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mtl_utils import randomness
from mtl_utils.analysis.similarity import linear_cka
from mtl_utils.course.checks.check import Verdict, call, close, is_number, judge
from mtl_utils.models.experts.gate import mix

PARTS = (
    "encoder.conv1",
    "attention of left to conv1",
    "onward from conv1",
    "dense of left",
    "head of left",
    "attention of right to conv2",
)


def readers_of_parts(answer: Mapping[str, Any]) -> Verdict:
    """08.1: which tasks' outputs depend on which part of MTAN."""

    def readers(a: Mapping[str, Any], part: str) -> set[str]:
        return {a[part]} if isinstance(a[part], str) else set(a[part])

    return judge(
        "08.1",
        answer,
        [
            (
                lambda a: isinstance(a, Mapping) and all(part in a for part in PARTS),
                f"give a dictionary for {', '.join(PARTS)}",
            ),
            (
                lambda a: all(readers(a, part) <= {"left", "right"} for part in PARTS),
                "for each part give a set with 'left', 'right' or both",
            ),
            (
                lambda a: readers(a, "encoder.conv1") == {"left", "right"},
                "both tasks' masks lie on the features of the one encoder",
            ),
            (
                lambda a: "right" not in readers(a, "attention of left to conv1"),
                "what `left` attends to is handed to `left` alone",
            ),
            (
                lambda a: readers(a, "onward from conv1") == {"left", "right"},
                "the convolution W₃ that passes attended features on is one for all tasks; only what it is given differs",
            ),
            (
                lambda a: readers(a, "dense of left") == {"left"},
                "the dense stage comes after the attended features, which differ: each task has one of its own",
            ),
            (lambda a: readers(a, "head of left") == {"left"}, "a head answers its own task"),
            (lambda a: readers(a, "attention of right to conv2") == {"right"}, "this attention belongs to `right`"),
            (lambda a: readers(a, "attention of left to conv1") == {"left"}, "this attention belongs to `left`"),
        ],
        "right: MTAN shares the convolutional stages and what passes features on; each has its own masks, dense stage and head",
    )


def mixture(function: Callable[[Tensor, list[Tensor]], Any]) -> Verdict:
    """08.2: the mixture of experts' features by a gate's scores."""
    generator = randomness.generator(0)
    scores = torch.randn(5, 3, generator=generator)
    features = [torch.randn(5, 4, generator=generator) for _ in range(3)]
    expected = mix(scores.softmax(1), features)

    def mixed(f: Callable[[Tensor, list[Tensor]], Any]) -> Tensor:
        return torch.as_tensor(call(f, scores.clone(), [feature.clone() for feature in features]))

    def wrong(weights: Tensor) -> Tensor:
        return mix(weights, features)

    return judge(
        "08.2",
        function,
        [
            (callable, "a function of the scores and of the list of features is asked for"),
            (lambda f: mixed(f).shape == (5, 4), "the mixture has the shape of one expert's features"),
            (
                lambda f: not close(mixed(f), wrong(scores), 1e-4),
                "scores are not weights yet: a softmax makes them positive, adding up to 1",
            ),
            (
                lambda f: not close(mixed(f), wrong(scores.softmax(0)), 1e-4),
                "the softmax runs over the experts (dimension 1), not over the images",
            ),
            (
                lambda f: not close(mixed(f), wrong(torch.full((5, 3), 1 / 3)), 1e-4),
                "that is the plain mean: the gate has no say",
            ),
            (
                lambda f: close(mixed(f), expected, 1e-4),
                "for each image: the sum over experts of its weight times that expert's features",
            ),
        ],
        "right: each image gets a mixture of its own",
    )


def cka_by_hand(function: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """08.3: linear CKA."""
    generator = randomness.generator(3)
    one = torch.randn(40, 6, generator=generator, dtype=torch.float64) + 2
    two = one[:, :4] + torch.randn(40, 4, generator=generator, dtype=torch.float64) - 1
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64))[0]

    def found(f: Callable[[Tensor, Tensor], Any], a: Tensor, b: Tensor) -> float:
        return float(call(f, a.clone(), b.clone()))

    return judge(
        "08.3",
        function,
        [
            (callable, "a function of two representations is asked for"),
            (lambda f: is_number(call(f, one.clone(), two.clone())), "return one number"),
            (
                lambda f: close(found(f, one, one), 1.0, 1e-4),
                "a representation has similarity 1 to itself: what do you divide by?",
            ),
            (
                lambda f: close(found(f, one + 5, two), found(f, one, two), 1e-4),
                "subtract each feature's mean over the images first",
            ),
            (
                lambda f: close(found(f, 3 * one, two), found(f, one, two), 1e-4),
                "a change of scale must not matter: check the norms below",
            ),
            (
                lambda f: close(found(f, one @ turn, two), found(f, one, two), 1e-4),
                "a rotation must not matter: use whole matrices' norms",
            ),
            (
                lambda f: close(found(f, one, two), linear_cka(one, two, debiased=False), 1e-4),
                "‖YᵀX‖² over ‖XᵀX‖·‖YᵀY‖, with Frobenius norms",
            ),
        ],
        "right!",
    )
