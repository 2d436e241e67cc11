"""Checks of arguments that many rooms need."""

from __future__ import annotations

from numbers import Integral
from typing import TypeGuard


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number: Python's or NumPy's, and no truth value."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_positive(what: str, value: int) -> int:
    """The value itself; a `ValueError` in words unless it is a whole number above zero."""
    if not is_whole(value) or value < 1:
        raise ValueError(f"{what} must be a whole number above zero, not {value!r}")
    return int(value)  # NumPy's whole numbers are as good as Python's
