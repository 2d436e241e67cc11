"""What makes the notebooks a course: executed claims, checks of exercises, the check of the computer."""

from mtl_utils.course.claims import agree, claim

__all__ = ["agree", "claim"]
