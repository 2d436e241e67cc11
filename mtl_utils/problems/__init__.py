"""Problems with formulas in place of images, small enough to be drawn."""

from mtl_utils.problems.concave_front import ConcaveFront
from mtl_utils.problems.two_valleys import FamoOfTwo, Paths, TwoValleys, follow, load_paths

__all__ = ["ConcaveFront", "FamoOfTwo", "Paths", "TwoValleys", "follow", "load_paths"]
