"""One color per task, the same in every figure, and safe for color-blind readers."""

from __future__ import annotations

import zlib

# Okabe & Ito, "Color universal design" (2008). Yellow is left out: it is too pale for lines on white. Purple, orange and sky
# are a little darker than there, so that a line on white has a contrast of at least 3:1 (WCAG 2.2, 1.4.11).
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#C46C9C"
ORANGE, SKY, BLACK, GRAY = "#BD8300", "#3A97CC", "#000000", "#757575"
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
    """The color of a task, as `#RRGGBB`: a fixed one for the course's tasks, one that follows from the name for others.

    Example:
        >>> task_color('left') == task_color('left'), task_color('left') == task_color('right')
        (True, False)
    """
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


def contrast(color: str, background: str = "#FFFFFF") -> float:
    """How much two colors (`#RRGGBB`) differ in luminance, from 1 to 21, as WCAG 2.2 defines it."""
    first, second = sorted((_luminance(color), _luminance(background)))
    return (second + 0.05) / (first + 0.05)


def text_color(color: str) -> str:
    """The color, as dark as text on white must be: a contrast of at least 4.5:1."""
    steps = (_mix(color, "#000000", share / 50) for share in range(51))
    return next(mixed for mixed in steps if contrast(mixed) >= 4.5)


def pale_color(color: str) -> str:
    """The color, as pale as a line on white may be: a contrast of just above 3:1."""
    steps = [_mix(color, "#FFFFFF", share / 50) for share in range(50)]
    return next((mixed for mixed in reversed(steps) if contrast(mixed) >= 3), color)


def _mix(color: str, other: str, share: float) -> str:
    pairs = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round(255 * ((1 - share) * a + share * b)):02X}" for a, b in pairs)


def _channels(color: str) -> list[float]:
    return [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]


def _luminance(color: str) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
