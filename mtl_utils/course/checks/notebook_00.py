"""Checks of the exercises of notebook 00, start here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from mtl_utils.course.checks.check import Verdict, is_number, judge


def number_of_tasks(answer: int) -> Verdict:
    """00.1: how many tasks the first model has."""
    return judge(
        "00.1",
        answer,
        [
            (is_number, "give a whole number"),
            (
                lambda a: a != 20,
                "ten classes for each task are not twenty tasks: how many *questions* are asked about an image?",
            ),
            (lambda a: a != 1, "there is one image and one network, but more than one question"),
            (lambda a: a == 2, "count the entries of the dictionary that the model returns"),
        ],
        "right: two questions about one image, `left` and `right`. (This is how checks look: change the answer and try again.)",
    )


def shared_part(answer: Collection[Any]) -> Verdict:
    """00.2: which parts of the first model both tasks use."""
    stages = {"conv1", "conv2", "dense"}

    def names(a: Collection[Any]) -> set[Any]:
        """Without what `model.parts()` puts before them."""
        return {each.removeprefix("encoder.").removeprefix("head of ") if isinstance(each, str) else each for each in a}

    return judge(
        "00.2",
        answer,
        [
            (lambda a: not isinstance(a, str), "give a set of names, such as {'conv1', 'conv2'}"),
            (lambda a: not names(a) & {"left", "right"}, "a head belongs to its own task; the gray boxes are the shared ones"),
            (
                lambda a: not names(a) & {"head", "heads"},
                "there are two heads, one for each task; the gray boxes are the shared ones",
            ),
            (lambda a: names(a) == stages, "the gray boxes of the picture: three stages, from the image onwards"),
        ],
        "right: the whole encoder is shared. This is all that hard parameter sharing is",
    )
