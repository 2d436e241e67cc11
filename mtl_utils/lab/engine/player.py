"""What makes a lab live: training steps as a task on the kernel's event loop, and pictures in between, a few a second.

A cell that trains in a plain loop freezes the sliders, since their messages wait until it ends. Here the loop gives way to the
event loop after every step, so the next message is handled before the next step. There is no second thread, hence nothing to
protect from it; only the *callbacks* may come on another thread (JupyterLab's kernel subshells), and they are handed over.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable

# Seconds between pictures, at least; after a touch of a control, at least; and the largest share of the time for drawing.
_EVERY, _AFTER_TOUCH, _SHARE = 0.25, 0.04, 0.04
# The same where steps are slowed down: there is time for more pictures.
_EVERY_SLOW, _SHARE_SLOW = 0.1, 0.25
# A message takes several turns of the event loop from the socket to the callback. Empty turns cost microseconds each.
_TURNS = 8


class Player:
    """Calls `advance` again and again on the event loop, and `draw` now and then, until paused or at the end.

    Args:
        advance: makes one step; returns whether there is anything left to do. Must not raise.
        draw: shows the present state. Must not raise.
        speed: steps per second at most; `math.inf` is as fast as it goes. May be assigned at any time.
    """

    def __init__(self, advance: Callable[[], bool], draw: Callable[[], None], speed: float = math.inf) -> None:
        self._advance, self._draw, self._speed = advance, draw, speed
        self._task: asyncio.Task[None] | None = None
        self._wake: asyncio.Event | None = None
        self._go = False
        self._touched = False
        self._earliest = self._next = 0.0
        self._thread = threading.get_ident()
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:  # a plain Python program: everything works but playing
            self._loop = None

    @property
    def playing(self) -> bool:
        """Whether steps are being made now (until the pause that was asked for takes effect, too)."""
        return self._task is not None

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that steps and pictures are made on; none in a plain Python program."""
        return self._loop

    @property
    def speed(self) -> float:
        """Steps per second, at most."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._speed = speed
        self._stir()

    def play(self) -> None:
        """Begin, or go on. Does nothing if it is playing already, so a double click starts one loop and not two."""
        if self._loop is None:
            raise RuntimeError("playing needs Jupyter's event loop, and there is none here; run(steps) works everywhere")
        self.hand_over(self._start)

    def pause(self) -> None:
        """Stop after the present step."""
        self._go = False
        self._stir()

    def touch(self) -> None:
        """A control was moved: show it soon, whether playing or not."""
        self._touched = True
        if self._task is None:
            self.hand_over(self._show_touch)
        else:
            self._stir()

    def close(self) -> None:
        """Stop for good."""
        self._go = False
        if self._task is not None:
            task = self._task
            self.hand_over(task.cancel)

    def hand_over(self, action: Callable[[], object]) -> None:
        """Do something on the thread of the event loop: at once if this is it."""
        if self._loop is None or threading.get_ident() == self._thread:
            action()
        else:
            self._loop.call_soon_threadsafe(action)

    def _stir(self) -> None:
        """End a rest between two slow steps."""
        if self._wake is not None:
            self.hand_over(self._wake.set)

    def _start(self) -> None:
        self._go = True
        if self._task is None:
            assert self._loop is not None
            self._wake = asyncio.Event()
            self._task = self._loop.create_task(self._play())

    def _show_touch(self) -> None:
        if self._touched and self._task is None:  # several touches may have queued up; one picture shows them all
            self._show()

    def _show(self) -> None:
        self._touched = False
        started = time.perf_counter()
        self._draw()
        now = time.perf_counter()
        every, share = (_EVERY, _SHARE) if math.isinf(self._speed) else (_EVERY_SLOW, _SHARE_SLOW)
        self._next = now + max(every, (now - started) / share)
        self._earliest = now + max(_AFTER_TOUCH, now - started)

    def _show_if_due(self) -> None:
        now = time.perf_counter()
        if self._go and (now >= self._next or (self._touched and now >= self._earliest)):
            self._show()

    async def _play(self) -> None:
        due = time.perf_counter()
        try:
            while self._go and self._advance():
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                # After the turns, so that a touch that came in them is shown before the next step, which may be a long one.
                self._show_if_due()
                due = max(due, time.perf_counter() - 1 / self._speed)  # what is late is not caught up with
                await self._rest_after(due)
                due += 1 / self._speed
        finally:
            self._go, self._task = False, None
            self._show()

    async def _rest_after(self, last: float) -> None:
        """Wait until the next step is due. A touch is shown in the meantime, and a new speed holds at once."""
        assert self._wake is not None
        while self._go and (left := last + 1 / self._speed - time.perf_counter()) > 0:
            if self._touched:
                left = min(left, max(self._earliest - time.perf_counter(), 0.001))
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), left)
            except TimeoutError:
                pass
            self._show_if_due()
