"""Whether anybody is still looking: a live view must not go on training once its page was closed.

The kernel is not told when a page goes away. But the page can keep telling it that it is there: ipywidgets' `Play` counts in
the browser and sends its count. When the counting was heard once and then falls silent, the page is gone.
"""

from __future__ import annotations

import time

import ipywidgets

_BEAT = 1.0  # seconds between signs of life
_PATIENCE = 5.0  # seconds of silence that are taken for absence
_LONGEST_GAP = 0.25


class Presence:
    """Listens for signs of life of the page. Where none ever comes (tests, nbval), somebody is taken to be there.

    Attributes:
        widget: invisible; must be part of what is displayed.
    """

    def __init__(self) -> None:
        self.widget = ipywidgets.Play(value=0, min=0, max=10**9, interval=round(_BEAT * 1000), layout={"display": "none"})
        self.widget.observe(self._hear, "value")
        self._heard = False
        self._silence = 0.0
        self._last = time.perf_counter()

    def gone(self) -> bool:
        """Whether the page fell silent. Ask often."""
        now = time.perf_counter()
        # While another cell computes, signs of life wait in the queue. Only time in which they could arrive counts.
        self._silence += min(now - self._last, _LONGEST_GAP)
        self._last = now
        return self._heard and self._silence > _PATIENCE

    def begin(self) -> None:
        """Ask for signs of life, and count silence from now on."""
        self._heard, self._silence, self._last = False, 0.0, time.perf_counter()
        self.widget.playing = True  # the page begins to count when this changes

    def rest(self) -> None:
        """No signs of life are needed for now."""
        self.widget.playing = False

    def _hear(self, _: object) -> None:
        self._heard, self._silence = True, 0.0
