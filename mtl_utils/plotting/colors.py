"""One color per task, the same in every figure, and safe for color-blind readers."""

from __future__ import annotations

import zlib

# Okabe & Ito, "Color universal design" (2008). Yellow is left out: it is too pale for lines on white.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, GRAY = "#E69F00", "#56B4E9", "#000000", "#777777"
SHARED_COLOR = GRAY
_PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
# The course's own tasks. A color means the same thing in every notebook.
_TASKS = {
    "left": BLUE,
    "right": VERMILLION,
    "digit": BLUE,
    "even": ORANGE,
    "large": GREEN,
    "loop": PURPLE,
    "random": GRAY,
    "detection": BLUE,
    "boxes": BLUE,
    "classes": SKY,
    "segmentation": GREEN,
    "depth": PURPLE,
    "tracking": VERMILLION,
    "displacement": VERMILLION,
    "position": VERMILLION,
}


def task_color(name: str) -> str:
    """The color of a task, as `#RRGGBB`: a fixed one for the course's tasks, one that follows from the name for others."""
    return _TASKS.get(name) or _PALETTE[zlib.crc32(name.encode()) % len(_PALETTE)]


def task_colors(names: list[str] | tuple[str, ...]) -> dict[str, str]:
    """A color for each task, different ones as long as there are any.

    Examples:
        >>> task_colors(['left', 'right'])
        {'left': '#0072B2', 'right': '#D55E00'}
    """
    colors: dict[str, str] = {}
    for name in names:
        color = task_color(name)
        if color in colors.values():
            free = [other for other in (*_PALETTE, BLACK) if other not in colors.values()]
            color = free[0] if free else color
        colors[name] = color
    return colors
