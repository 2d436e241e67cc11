"""Whether other cells keep the kernel busy: a lab cannot train meanwhile, and must say so instead of looking dead.

Labs train on the kernel's event loop. While a cell computes, nothing else happens there. With *Run All* that may take minutes.
A small thread notices when the event loop has not answered for a while, as long as a cell runs; then the labs say that they are
waiting. When no cell has run for a moment, they go on.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

_UNANSWERED = 0.5  # seconds without an answer of the event loop that are taken for a cell that computes
_QUIET = 0.4  # seconds without a running cell after which nothing more is expected to run


class OtherCells:
    """Tells one lab when to wait for other cells, and when to go on. Outside Jupyter it never does.

    Args:
        loop: the event loop that the lab lives on.
        wait: called on another thread, when the lab has to wait.
        resume: called on the event loop, when it can go on.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop | None, wait: Callable[[], object], resume: Callable[[], object]
    ) -> None:
        self._loop, self._wait, self._resume = loop, wait, resume
        self.waiting = False
        self._running = False
        self._turn = 0
        self._closed = False
        self._ended = 0.0
        self._shell: Any = _shell() if loop is not None else None
        if self._shell is not None:
            self._shell.events.register("pre_execute", self._begin)
            self._shell.events.register("post_execute", self._end)
            self._begin()  # the cell that makes the lab is running

    def close(self) -> None:
        """Stop listening."""
        self._closed, self._running, self.waiting = True, False, False
        if self._shell is not None:
            for event, action in (("pre_execute", self._begin), ("post_execute", self._end)):
                try:
                    self._shell.events.unregister(event, action)
                except ValueError:  # IPython had dropped it already
                    pass
            self._shell = None

    def _begin(self) -> None:
        if not self._running and not self._closed:
            self._running, self._turn = True, self._turn + 1
            threading.Thread(target=self._watch, args=(self._turn,), name="lab-waits-for-cells", daemon=True).start()

    def _end(self) -> None:
        self._running, self._ended = False, time.monotonic()
        if self._loop is not None:
            self._loop.call_later(_QUIET, self._go_on)

    def _watch(self, turn: int) -> None:
        """On a thread of its own, while one cell runs."""
        assert self._loop is not None
        while self._running and self._turn == turn:
            answered = threading.Event()
            try:
                self._loop.call_soon_threadsafe(answered.set)
                if not answered.wait(_UNANSWERED) and self._running and self._turn == turn:
                    self.waiting = True
                    self._wait()
                    while self._running and self._turn == turn and not answered.wait(_UNANSWERED):
                        pass
                elif self.waiting and self._running and self._turn == turn:
                    # The cell runs, but leaves the event loop free: it awaits something. The lab can go on.
                    self._loop.call_soon_threadsafe(self._go_on, turn)
            except RuntimeError:  # the loop is closed: the kernel ends
                return
            time.sleep(_UNANSWERED)

    def _go_on(self, turn: int | None = None) -> None:
        """Go on, in the cell of this turn; without one, if no cell runs and the last one ended a moment ago."""
        quiet = not self._running and time.monotonic() - self._ended >= _QUIET * 0.9
        if self._closed or not (quiet if turn is None else self._running and self._turn == turn):
            return
        if self.waiting:
            self.waiting = False
            self._resume()


def _shell() -> Any:
    """The kernel's interactive shell, if there is a kernel."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    shell = get_ipython()
    return shell if shell is not None and hasattr(shell, "kernel") else None
