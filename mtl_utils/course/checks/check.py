"""How an exercise is checked: not attempted yet, ✓, or ✗ with a hint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import torch
from torch import Tensor

from mtl_utils.course.printing import print_line

State = Literal["not attempted", "right", "wrong"]
# A condition on the answer, and the hint for whom it fails.
Condition = tuple[Callable[[Any], object], str]


class NotAttemptedError(Exception):
    """The learner's function still returns nothing."""


class AnswerRaisedError(Exception):
    """The learner's function raised. The message says what."""


@dataclass(frozen=True)
class Verdict:
    """What a check found; shows as one line."""

    exercise: str
    state: State
    message: str

    def __repr__(self) -> str:
        mark = {"not attempted": "…", "right": "✓", "wrong": "✗"}[self.state]
        return f"{mark} Exercise {self.exercise}: {self.message}"

    def _ipython_display_(self) -> None:
        """Nothing: `judge` has printed the line already, so a cell that ends with a check must not show it again."""


def judge(
    exercise: str, answer: Any, conditions: Sequence[Condition], praise: str = "right!", *, none_is_an_answer: bool = False
) -> Verdict:
    """Print and return the verdict on an answer.

    Args:
        exercise: its number, such as `"02.1"`.
        answer: what the learner made; `...` (as the exercise stands) or `None` means not attempted.
        conditions: tested in order; the first that fails (or raises) decides the hint. Put likely mistakes
            first, so that each gets a hint of its own.
        praise: what to say when all hold.
        none_is_an_answer: whether `None` is judged as any other answer is, since it may be meant ("no number will do").
    """
    nothing_yet = answer is ... or (answer is None and not none_is_an_answer)
    verdict = (
        Verdict(exercise, "not attempted", "not attempted yet") if nothing_yet else _judge(exercise, answer, conditions, praise)
    )
    print_line(str(verdict))
    return verdict


def call(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What the learner's function returns; nothing at all (`...` or `None`) counts as not attempted."""
    try:
        result = function(*arguments, **named)
    except Exception as error:  # whatever a learner's code may raise
        raise AnswerRaisedError(f"{type(error).__name__}: {error}") from error
    if result is None or result is ...:
        raise NotAttemptedError
    return result


def close(found: Any, expected: Any, tolerance: float = 1e-5) -> bool:
    """Whether two numbers or tensors agree in shape and, within a tolerance (relative and absolute), in value."""
    found, expected = (
        # To the CPU first: not every device has numbers of 64 bits.
        torch.as_tensor(value.detach().cpu() if isinstance(value, Tensor) else value, dtype=torch.float64)
        for value in (found, expected)
    )
    return found.shape == expected.shape and torch.allclose(found, expected, rtol=tolerance, atol=tolerance, equal_nan=True)


def is_number(answer: Any) -> bool:
    """Whether the answer is one number (NumPy's count, and a tensor with one element)."""
    if isinstance(answer, Tensor):
        return answer.numel() == 1
    return isinstance(answer, Real) and not isinstance(answer, bool)


def _judge(exercise: str, answer: Any, conditions: Sequence[Condition], praise: str) -> Verdict:
    for holds, hint in conditions:
        try:
            if not bool(holds(answer)):
                return Verdict(exercise, "wrong", hint)
        except NotAttemptedError:
            return Verdict(exercise, "not attempted", "not attempted yet")
        except AnswerRaisedError as error:  # no hint, for it would be about another mistake
            return Verdict(exercise, "wrong", f"your function raised {error}")
        except Exception as error:  # whatever a learner's code may raise
            return Verdict(exercise, "wrong", f"{hint} (your answer raised {type(error).__name__}: {error})")
    return Verdict(exercise, "right", praise)
