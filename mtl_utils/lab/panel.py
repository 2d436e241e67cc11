"""What all labs have in common: a picture with controls around it, shown in a cell, closed without a trace."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

import ipywidgets

from mtl_utils.lab import controls, open_labs
from mtl_utils.lab.canvas import Canvas
from mtl_utils.lab.player import Player
from mtl_utils.lab.presence import Presence


class Panel:
    """A picture, controls above it and a text line below.

    Args:
        canvas: the picture.
        lines: lines of text to keep free for the state in words.
        rest: see `Player`.
    """

    def __init__(self, canvas: Canvas, *, lines: int = 3, rest: float = 0.0) -> None:
        self._canvas = canvas
        self._status = controls.StatusLine(lines)
        self._closed = False
        self.player = Player(self._advance, self._draw, rest)
        open_labs.register(self)

    @property
    def status(self) -> str:
        """The state in words, as it stands below the picture."""
        return self._status.text

    @property
    def picture(self) -> bytes:
        """The picture as it is now, in PNG."""
        return bytes(self._canvas.widget.value)

    def close(self) -> None:
        """Stop, and free everything. A closed lab cannot be opened again."""
        if not self._closed:
            self._closed = True
            self.player.close()
            self._release()
            self._canvas.close()
            controls.close_tree(self.view)
            open_labs.forget(self)
            # Jupyter remembers every lab that a cell ever showed (`Out`); what it remembers must be an empty shell.
            vars(self).clear()
            self._closed = True

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> None:
            closed = ", since this lab was closed" if vars(self).get("_closed") else ""
            raise AttributeError(f"{type(self).__name__} has no '{name}'{closed}")

    def _release(self) -> None:
        """Let go of what a subclass holds."""

    def _show(self, rows: Sequence[ipywidgets.Widget]) -> None:
        """Put the controls, the picture and the words in their places."""
        self.view = ipywidgets.VBox([*rows, self._canvas.widget, self._status.widget])

    def _advance(self) -> bool:
        return False

    def _draw(self) -> None:
        raise NotImplementedError

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("this lab was closed (running its cell again closes the former one); make a new one")

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        self._check_open()
        # The widget where one can be shown; its picture where not, such as on a page that only displays notebooks.
        bundle: dict[str, object] = dict(self.view._repr_mimebundle_() or {})
        return bundle | {"text/plain": self.status, "image/png": base64.b64encode(self.picture).decode()}


class LivePanel(Panel):
    """A panel with play, pause, step, reset and a seed. Subclasses say what a step, a reset and the picture are."""

    def __init__(self, canvas: Canvas, *, seed: int = 0, lines: int = 3, rest: float = 0.0) -> None:
        super().__init__(canvas, lines=lines, rest=rest)
        self._notice = ""
        self._presence = Presence()
        self.play_button = controls.button("play", "play", "Train, until paused or at the end of the run")
        self.pause_button = controls.button("pause", "pause", "Stop after the present step; play goes on from there")
        self.step_button = controls.button("step-forward", "step", "Make one training step")
        self.reset_button = controls.button("refresh", "reset", "Keep this run's end as a point, and begin anew with the seed")
        self.seed = ipywidgets.BoundedIntText(
            value=seed, min=0, max=10**6, description="seed", layout={"width": "120px"}, style={"description_width": "40px"},
            tooltip="Decides initial weights and the order of images. Takes effect with the next reset",
        )  # fmt: skip
        for pressed, action in (
            (self.play_button, self.play),
            (self.pause_button, self.pause),
            (self.step_button, self.step),
            (self.reset_button, self.reset),
        ):
            pressed.on_click(lambda _, action=action: self.player.hand_over(action))
        self.seed.observe(lambda _: self.player.touch(), "value")
        self._buttons = controls.row(
            self.play_button, self.pause_button, self.step_button, self.reset_button, self.seed, self._presence.widget
        )

    @property
    def playing(self) -> bool:
        """Whether it is training now."""
        return self.player.playing

    def play(self) -> None:
        """Train on the event loop, so that everything stays live. Does nothing if it plays already."""
        self._check_open()
        self._notice = ""
        if not self._finished() and not self.playing:
            self._presence.begin()
        if not self._finished():
            self.player.play()
        self.player.touch()

    def pause(self) -> None:
        """Stop after the present step."""
        self._check_open()
        self.player.pause()
        self.player.touch()

    def step(self) -> None:
        """One step, and stop."""
        self._check_open()
        self.player.pause()
        self._step()
        self.player.touch()

    def run(self, steps: int) -> None:
        """Exactly so many steps (fewer at the end of a run), here and now: for *Restart and run all*, and for tests."""
        self._check_open()
        self.player.pause()
        for _ in range(steps):
            if not self._step():
                break
        self._draw()

    def reset(self, seed: int | None = None) -> None:
        """Begin anew, with another seed if one is given."""
        self._check_open()
        self.player.pause()
        self._notice = ""
        if seed is not None:
            self.seed.value = seed
        self._restart()
        self.player.touch()

    def _finished(self) -> bool:
        raise NotImplementedError

    def _step(self) -> bool:
        raise NotImplementedError

    def _restart(self) -> None:
        raise NotImplementedError

    def _advance(self) -> bool:
        if self._presence.gone():
            self._notice = "Paused, because the page was closed or asleep; press play to go on."
            return False
        return self._step()

    def _state(self, *, finished: bool, problem: bool) -> str:
        """One word, and the buttons to match."""
        playing = self.player.playing
        if not playing:
            self._presence.rest()
        self.play_button.disabled = playing or finished
        self.pause_button.disabled = not playing
        self.step_button.disabled = finished
        return "stopped" if problem else "finished" if finished else "playing" if playing else "paused"
