"""What makes the notebooks a course: executed claims, guesses, checks of exercises, the check of the computer."""

from mtl_utils.course.claims import agree, claim
from mtl_utils.course.guesses import guess, show_guess

__all__ = ["agree", "claim", "guess", "show_guess"]
