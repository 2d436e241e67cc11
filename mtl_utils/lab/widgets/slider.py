"""A slider with a name, whose value is said as it is shown.

The sliders of ipywidgets have no name that a screen reader could say, and a logarithmic one says the exponent. This one is the
browser's own range input, which has both.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets


class Slider(anywidget.AnyWidget):
    """Moves over places, each with a value and a text; reports continuously while it is moved.

    Args:
        label: its name.
        value: where it starts.
        values: of the places, in rising or falling order; infinity is allowed.
        words: a value as one reads it.
        hint: what it does, shown when the mouse rests on it.
        color: of the handle.

    Attributes:
        value: now. What is assigned may lie between two places, and is limited to the outermost ones.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")
    label = traitlets.Unicode().tag(sync=True)
    hint = traitlets.Unicode().tag(sync=True)
    color = traitlets.Unicode().tag(sync=True)
    texts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    place = traitlets.Float().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    value = traitlets.Float()

    def __init__(
        self,
        label: str,
        value: float,
        values: Sequence[float],
        *,
        words: Callable[[float], str],
        hint: str = "",
        color: str = "#0072B2",
    ) -> None:
        self.values, self._words = list(values), words
        super().__init__(
            label=label, hint=hint, color=color, texts=[words(each) for each in self.values], place=-1.0, value=value
        )
        self._show_value()

    @traitlets.validate("value")
    def _limit(self, proposal: Any) -> float:
        return min(max(float(proposal["value"]), min(self.values)), max(self.values))

    @traitlets.observe("value")
    def _show_value(self, _: object = None) -> None:
        # All or nothing: the page must not see the new place with the old words.
        with self.hold_sync():
            self.text = self._words(self.value)
            if self.place < 0 or self.place != int(self.place) or self.values[int(self.place)] != self.value:
                self.place = place_among(self.values, self.value)

    @traitlets.observe("place")
    def _moved(self, _: object) -> None:
        if self.place >= 0 and self.place == int(self.place):  # between two places only where a value was assigned
            self.value = self.values[int(self.place)]


def place_among(values: Sequence[float], value: float) -> float:
    """Where a value is among rising or falling ones: its index, or half an index between two (or beyond the ends)."""
    if value in values:
        return float(list(values).index(value))
    if values[0] > values[-1]:
        return len(values) - 1 - place_among(list(values)[::-1], value)
    after = bisect.bisect(values, value)
    return min(max(after - 0.5, 0.0), len(values) - 1.0) if not math.isnan(value) else 0.0
