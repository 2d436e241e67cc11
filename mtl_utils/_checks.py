"""Checks of arguments that many rooms need."""

from __future__ import annotations

from numbers import Integral


def check_positive(what: str, value: int) -> int:
    """The value itself; a `ValueError` in words unless it is a whole number above zero."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{what} must be a whole number above zero, not {value!r}")
    return int(value)  # NumPy's whole numbers are as good as Python's
