"""Pictures for a live view: a matplotlib figure drawn off screen, part by part.

pyplot knows one current figure, is not safe when callbacks come on several threads, and leaves figures behind in other
cells' outputs. A bare `Figure` on the Agg canvas has none of that. What stays the same between two pictures (axes, ticks,
words) is drawn once and kept; only the parts whose content changed are drawn again, and of them only the *moving* artists.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from mtl_utils.lab.views.png import write_png

_DOTS_PER_INCH = 100
WHOLE = (0.0, 0.0, 1.0, 1.0)  # the box of a part that is all of the picture


@dataclass
class Part:
    """A rectangle of the picture with everything in it.

    Attributes:
        box: left, bottom, right and top as shares of the figure. Parts must not overlap.
        axes: all axes in it.
        moving: the artists that may change from picture to picture, in the order of drawing.
        scene: changes whenever anything else has (limits of axes, words).
        content: changes whenever a moving artist has.
    """

    box: tuple[float, float, float, float]
    axes: Sequence[Axes]
    moving: Sequence[Artist]
    scene: Hashable = ()
    content: Hashable = ()


class Canvas:
    """A figure and its picture.

    Args:
        width, height: in inches of 100 pixels.
    """

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, facecolor="white")
        self._canvas: Any = FigureCanvasAgg(self.figure)  # matplotlib has no types for these
        self.size = (round(width * _DOTS_PER_INCH), round(height * _DOTS_PER_INCH))
        self._kept: dict[int, tuple[Hashable, Hashable, Any]] = {}
        self.png = b""

    def draw(self, parts: Iterable[Part]) -> None:
        """Bring `png` up to date. What no part contains is drawn once."""
        parts = list(parts)
        if not self.png:
            for part in parts:
                for artist in part.moving:
                    artist.set_animated(True)  # left out when axes are drawn as a whole
            self._canvas.draw()
        changed = not self.png
        for number, part in enumerate(parts):
            changed = self._draw_part(number, part) or changed
        if changed:
            self.png = write_png(np.asarray(self._canvas.buffer_rgba()))

    def _draw_part(self, number: int, part: Part) -> bool:
        scene, content, kept = self._kept.get(number, (None, None, None))
        if kept is not None and (scene, content) == (part.scene, part.content):
            return False
        renderer = self._canvas.get_renderer()
        if kept is None or scene != part.scene:
            if kept is not None:
                self._paint_again(part, renderer)
            kept = self._canvas.copy_from_bbox(self._pixels(part))
        self._canvas.restore_region(kept)
        for artist in part.moving:
            artist.draw(renderer)
        self._kept[number] = (part.scene, part.content, kept)
        return True

    def _paint_again(self, part: Part, renderer: Any) -> None:
        """White, and then the axes without what moves."""
        if part.box == WHOLE:  # with what belongs to no axes
            self._canvas.draw()
            return
        box = self._pixels(part)
        height = self.size[1]
        rows = slice(height - round(box.y1), height - round(box.y0))
        np.asarray(self._canvas.buffer_rgba())[rows, round(box.x0) : round(box.x1)] = 255
        for ax in sorted(part.axes, key=lambda ax: ax.get_zorder()):
            ax.draw(renderer)

    def _pixels(self, part: Part) -> Bbox:
        left, bottom, right, top = part.box
        width, height = self.size
        return Bbox([[round(left * width), round(bottom * height)], [round(right * width), round(top * height)]])

    def close(self) -> None:
        """Free the picture's memory."""
        self._kept.clear()
        self.figure.clear()
        # Two megabytes of pixels, which Jupyter's memory of past outputs would keep.
        self._canvas.renderer = None
        self.png = b""
