"""The tests that every notebook's exercises have in common: right answers pass, wrong ones are met by a hint of their own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pytest
import torch

Check = Callable[[Any], Any]
Right = tuple[Check, Any]
Wrong = tuple[Check, Any, str]


def common_tests(checks: ModuleType, right: Sequence[Right], wrong: Sequence[Wrong]) -> tuple[Callable[..., None], ...]:
    """Four tests for the checks of one notebook, to be assigned to names that pytest collects.

    Args:
        checks: the module with the checks.
        right: checks with answers that they must accept.
        wrong: checks with plausible wrong answers, and words of the hint that each must bring.
    """
    asking = [
        function
        for name, function in inspect.getmembers(checks, inspect.isfunction)
        if function.__module__ == checks.__name__ and not name.startswith("_")
    ]
    wanted = dict(right)
    none_is_right = [check for check, answer in right if answer is None]

    @pytest.mark.parametrize("check", asking)
    def test_every_exercise_is_tested(check: Check) -> None:
        assert check in wanted
        assert sum(function is check for function, _, _ in wrong) >= 3

    @pytest.mark.parametrize(("check", "answer"), right)
    def test_right_answers_are_accepted(check: Check, answer: Any, capsys: pytest.CaptureFixture[str]) -> None:
        verdict = check(answer)
        assert verdict.state == "right", verdict.message
        assert "✓" in capsys.readouterr().out

    @pytest.mark.parametrize(("check", "answer", "hint"), wrong)
    def test_wrong_answers_bring_their_own_hint(
        check: Check, answer: Any, hint: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        verdict = check(answer)
        assert verdict.state == "wrong"
        assert hint in verdict.message
        assert "✗" in capsys.readouterr().out

    @pytest.mark.parametrize("check", asking)
    @pytest.mark.parametrize("nothing", [..., None])
    def test_what_stands_in_the_notebook_is_not_attempted(check: Check, nothing: Any) -> None:
        state = torch.get_rng_state()
        assert check(nothing).state == ("right" if nothing is None and check in none_is_right else "not attempted")
        assert torch.equal(torch.get_rng_state(), state), "a check leaves PyTorch's global chance alone"
        if callable(wanted[check]):
            assert check(lambda *_: nothing).state == "not attempted"

    return (
        test_every_exercise_is_tested,
        test_right_answers_are_accepted,
        test_wrong_answers_bring_their_own_hint,
        test_what_stands_in_the_notebook_is_not_attempted,
    )
