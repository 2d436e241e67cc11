"""Problems with formulas in place of images, small enough to be drawn."""

from mtl_utils.problems.concave_front import ConcaveFront

__all__ = ["ConcaveFront"]
