"""Pictures for a live view: a matplotlib figure drawn off screen into a widget of fixed size.

pyplot knows one current figure, is not safe when callbacks come on several threads, and leaves figures behind in other
cells' outputs. A bare `Figure` on the Agg canvas has none of that. What stays the same between two pictures (axes, ticks,
words) is drawn once and kept; only the *moving* artists are drawn again, which is several times faster.
"""

from __future__ import annotations

import io
from collections.abc import Hashable, Iterable
from typing import Any

import ipywidgets
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

_DOTS_PER_INCH = 100


class Canvas:
    """A figure and the `Image` widget that shows it.

    Args:
        width, height: in inches of 100 pixels.
    """

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, facecolor="white")
        self._canvas: Any = FigureCanvasAgg(self.figure)  # matplotlib has no types for these
        self._kept: tuple[Hashable, Any] | None = None
        size = {"width": round(width * _DOTS_PER_INCH), "height": round(height * _DOTS_PER_INCH)}
        # The height follows from the width when the page is narrow, so the picture keeps its shape and place.
        self.widget = ipywidgets.Image(
            format="png", layout={"width": f"{size['width']}px", "max_width": "100%", "height": "auto", "flex": "0 0 auto"}
        )

    def draw(self, moving: Iterable[Artist], scene: Hashable) -> None:
        """Show the present state.

        Args:
            moving: artists that may have changed since the last picture, in the order of drawing.
            scene: changes whenever anything else has (limits of axes, words).
        """
        moving = list(moving)
        for artist in moving:
            artist.set_animated(True)  # left out when the figure is drawn as a whole
        if self._kept is None or self._kept[0] != scene:
            self._canvas.draw()
            self._kept = (scene, self._canvas.copy_from_bbox(self.figure.bbox))
        self._canvas.restore_region(self._kept[1])
        renderer = self._canvas.get_renderer()
        for artist in moving:
            artist.draw(renderer)
        pixels = Image.frombuffer("RGBA", self._canvas.get_width_height(), self._canvas.buffer_rgba()).convert("RGB")
        png = io.BytesIO()
        pixels.save(png, "png", compress_level=1)
        self.widget.value = png.getvalue()

    def close(self) -> None:
        """Free the picture's memory. The widget is closed by whoever shows it."""
        self._kept = None
        self.figure.clear()
        # Two megabytes of pixels, which Jupyter's memory of past outputs would keep.
        self._canvas.renderer = None
        self.widget.value = b""
