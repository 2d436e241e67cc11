"""One colour per task, the same in every figure, and safe for colour-blind readers."""

from __future__ import annotations

import zlib

# Okabe & Ito, "Color universal design" (2008). Yellow is left out: it is too pale for lines on white.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#000000", "#777777"
SHARED_COLOUR = GREY
_PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
# The course's own tasks. A colour means the same thing in every notebook.
_TASKS = {
    "left": BLUE,
    "right": VERMILLION,
    "digit": BLUE,
    "even": ORANGE,
    "large": GREEN,
    "loop": PURPLE,
    "random": GREY,
    "detection": BLUE,
    "boxes": BLUE,
    "classes": SKY,
    "segmentation": GREEN,
    "depth": PURPLE,
    "tracking": VERMILLION,
    "displacement": VERMILLION,
    "position": VERMILLION,
}


def task_colour(name: str) -> str:
    """The colour of a task, as `#RRGGBB`: a fixed one for the course's tasks, one that follows from the name for others."""
    return _TASKS.get(name) or _PALETTE[zlib.crc32(name.encode()) % len(_PALETTE)]


def task_colours(names: list[str] | tuple[str, ...]) -> dict[str, str]:
    """A colour for each task, different ones as long as there are any."""
    colours: dict[str, str] = {}
    for name in names:
        colour = task_colour(name)
        if colour in colours.values():
            free = [other for other in (*_PALETTE, BLACK) if other not in colours.values()]
            colour = free[0] if free else colour
        colours[name] = colour
    return colours
