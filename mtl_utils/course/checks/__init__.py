"""Instant checks of the exercises, one file per notebook. `check` says how they work."""

from mtl_utils.course.checks.check import Verdict, call, close, is_number, judge

__all__ = ["Verdict", "call", "close", "is_number", "judge"]
