"""The exercises of notebook 00: plausible wrong answers are rejected with their own hint."""

from __future__ import annotations

import pytest

from mtl_utils.checks import notebook_00 as check


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (..., "not attempted", "not attempted"),
        (20, "wrong", "ten classes"),
        (1, "wrong", "more than one question"),
        (3, "wrong", "count the entries"),
        ("two", "wrong", "whole number"),
        (2, "right", "two questions"),
    ],
)
def test_number_of_tasks(answer: object, state: str, words: str) -> None:
    verdict = check.number_of_tasks(answer)
    assert verdict.state == state
    assert words in verdict.message


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (..., "not attempted", "not attempted"),
        ("conv1", "wrong", "set of names"),
        ({"conv1", "conv2", "dense", "left"}, "wrong", "belongs to its own task"),
        ({"conv1", "conv2", "dense", "head"}, "wrong", "two heads"),
        ({"conv1", "conv2"}, "wrong", "three stages"),
        ({"conv1", "conv2", "dense"}, "right", "whole encoder"),
        (["dense", "conv1", "conv2"], "right", "whole encoder"),
    ],
)
def test_shared_part(answer: object, state: str, words: str) -> None:
    verdict = check.shared_part(answer)
    assert verdict.state == state
    assert words in verdict.message
